package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// The half of replication that is about the database: what the peer lacks, and
// what comes from it. link.go has the half that is about the network.

// recordMax bounds an object, in bytes: one always fits into a message to the peer.
const recordMax = 1 << 20

// A message to the peer has so many records, and ends behind the one with which it
// has so many bytes.
const (
	shareRecords = 64
	shareBytes   = 256 << 10
	peerMax      = shareBytes + 2*recordMax
)

// serverID tells a server's database from every other's.
type serverID [8]byte

// version is when an object was changed last, in the order of a Lamport clock: the
// number of a change is above every number that the server has seen. Of two servers' equal
// numbers the server decides.
type version struct {
	counter uint64
	server  serverID
}

// finality orders what can not be taken back: what was revoked, compromised or
// destroyed on one server is not made usable again by another change on the other.
func (o *object) finality() int {
	switch {
	case o.gone():
		return 3
	case o.get(kmip.AttrCompromiseDate) != nil:
		return 2
	case o.get(kmip.AttrRevocationReason) != nil:
		return 1
	}
	return 0
}

// supersedes says which of two versions of an object stays, the same on both
// servers: the more final one, then the later one.
func (o *object) supersedes(other *object) bool {
	if a, b := o.finality(), other.finality(); a != b {
		return a > b
	}
	if o.ver.counter != other.ver.counter {
		return o.ver.counter > other.ver.counter
	}
	return bytes.Compare(o.ver.server[:], other.ver.server[:]) > 0
}

func pendingKey(o *object) []byte {
	return append(binary.BigEndian.AppendUint64(nil, o.ver.counter), o.uid...)
}

// meet notes who the peer is. To one that was not met before it owes everything.
func (s *Store) meet(peer serverID) error {
	known := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		known = bytes.Equal(tx.Bucket(bucketMeta).Get(keyPeer), peer[:])
		return nil
	})
	if err != nil || known {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		pending := tx.Bucket(bucketPending)
		err := tx.Bucket(bucketObjects).ForEach(func(uid, record []byte) error {
			o, err := decode(&ttlv.Decoder{}, record)
			if err != nil {
				return nil // it can not be sent; its own clients will be told
			}
			return pending.Put(pendingKey(o), []byte{})
		})
		return errors.Join(err, tx.Bucket(bucketMeta).Put(keyPeer, peer[:]))
	})
}

// share is a part of what the peer lacks.
type share struct {
	keys    [][]byte // of the pending bucket
	records []ttlv.Item
	upTo    uint64 // with this share the peer has every change up to this number
	bad     []string
	secrets [][]byte
}

func (s *share) wipe() {
	for _, k := range s.secrets {
		clear(k)
	}
}

// owed is the next share for the peer: the oldest changes first.
func (s *Store) owed() (out share, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		size, c := 0, tx.Bucket(bucketPending).Cursor()
		k, _ := c.First()
		for ; k != nil && len(out.records) < shareRecords && size < shareBytes; k, _ = c.Next() {
			out.keys = append(out.keys, bytes.Clone(k))
			out.upTo = binary.BigEndian.Uint64(k)
			uid := k[8:]
			o, key, err := s.unseal(bytes.Clone(tx.Bucket(bucketObjects).Get(uid)))
			if err != nil {
				out.bad = append(out.bad, fmt.Sprintf("%s: %v", uid, err))
				continue
			}
			o.sealed = key
			out.secrets = append(out.secrets, key)
			i := o.record()
			size += i.Size()
			out.records = append(out.records, i)
		}
		if k == nil {
			out.upTo = tx.Bucket(bucketObjects).Sequence()
		}
		return nil
	})
	return out, err
}

func (s *Store) unseal(record []byte) (o *object, key []byte, err error) {
	if o, err = decode(&ttlv.Decoder{}, record); err != nil {
		return nil, nil, err
	}
	if len(o.sealed) > 0 {
		key, err = s.seal.open(o.sealed, o.binding())
	}
	return o, key, err
}

// settle notes that the peer has a share.
func (s *Store) settle(keys [][]byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var err error
		for _, k := range keys {
			err = errors.Join(err, tx.Bucket(bucketPending).Delete(k))
		}
		return err
	})
}

// opReplicate is an operation beyond the specification (8xxxxxxx are free for
// extensions): it takes records, and answers who the server is. Only the peer may ask for it.
const opReplicate kmip.Operation = 0x80000001

func shareFields(from serverID, records []ttlv.Item) []ttlv.Item {
	return append([]ttlv.Item{ttlv.Bytes(tagServer, from[:])}, records...)
}

// whois reads who sent a share, or answered one.
func whois(r *ttlv.Reader) (id serverID, err error) {
	b := r.Required(tagServer, ttlv.ByteString).Bytes
	if r.Err() == nil && len(b) != len(id) {
		return id, kmip.Fail(kmip.InvalidField, "a server is told by %d bytes, not %d", len(id), len(b))
	}
	copy(id[:], b)
	return id, r.Err()
}

// replicate merges what the peer sends.
func (c *call) replicate(r *ttlv.Reader) (*ttlv.Item, error) {
	if !c.link.is(c.owner) {
		return nil, kmip.Fail(kmip.OperationNotSupported, "this server has no such peer")
	}
	from, err := whois(r)
	if err != nil {
		return nil, err
	}
	records := r.All(tagRecord, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	if from == c.id {
		return nil, kmip.Fail(kmip.InvalidField, "the peer has this server's own database, or a copy of it")
	}
	own := c.owner
	defer func() { c.owner = own }()
	for _, i := range records {
		o, err := readRecord(i)
		if err == nil {
			err = c.merge(o)
		}
		if err != nil {
			// Not a refusal: nothing of the share must be committed.
			return nil, fmt.Errorf("server: from the peer: %s", err)
		}
	}
	c.link.met()
	p := ttlv.Struct(kmip.TagResponsePayload, shareFields(c.id, nil)...)
	return &p, nil
}

// merge stores an object of the peer, whose key it has in the clear, unless what is here
// supersedes it.
func (t *txn) merge(o *object) error {
	if o.ver.counter > 1<<62 {
		return fmt.Errorf("change %d of an object can not be", o.ver.counter)
	}
	t.owner = o.owner
	objects := t.tx.Bucket(bucketObjects)
	if err := objects.SetSequence(max(objects.Sequence(), o.ver.counter)); err != nil {
		return err
	}
	var before *object
	if b := objects.Get([]byte(o.uid)); b != nil {
		var err error
		if before, err = decode(&ttlv.Decoder{}, slices.Clone(b)); err != nil {
			return err
		}
		if before.owner != o.owner || before.typ != o.typ {
			return errors.New("an object has another owner or type here")
		}
		if !o.supersedes(before) {
			return nil
		}
		o.seq = before.seq
	} else {
		var err error
		if o.seq, err = t.tx.Bucket(bucketOwned).NextSequence(); err != nil {
			return err
		}
	}
	if len(o.sealed) > 0 {
		var err error
		if o.sealed, err = t.seal.seal(o.sealed, o.binding()); err != nil {
			return err
		}
	}
	return t.write(o, before)
}
