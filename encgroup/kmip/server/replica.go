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
// number of a change is above every number that the server has seen. Of equal numbers the author
// decides: a server since its database was opened, so that one whose database was put back to an
// older copy does not give two changes one version.
type version struct {
	counter uint64
	author  serverID
}

// finality orders what cannot be taken back: what was revoked, compromised or
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
	return bytes.Compare(o.ver.author[:], other.ver.author[:]) > 0
}

func pendingKey(o *object) []byte {
	return append(binary.BigEndian.AppendUint64(nil, o.ver.counter), o.uid...)
}

// share is a part of what the peer lacks.
type share struct {
	keys    [][]byte // of the pending bucket
	records []ttlv.Item
	upTo    uint64 // with this share the peer has every change up to this number
	bad     []trouble
	secrets [][]byte
}

func (s *share) wipe() {
	for _, k := range s.secrets {
		clear(k)
	}
}

// owed is the next share for the peer: the oldest changes first, without those of objects that
// are stuck.
func (s *Store) owed(stuck map[string]bool) (out share, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		size, c := 0, tx.Bucket(bucketPending).Cursor()
		k, _ := c.First()
		for ; k != nil && len(out.records) < shareRecords && size < shareBytes; k, _ = c.Next() {
			out.upTo = binary.BigEndian.Uint64(k)
			uid := string(k[8:])
			if stuck[uid] {
				continue
			}
			o, key, err := s.unseal(bytes.Clone(tx.Bucket(bucketObjects).Get([]byte(uid))))
			if err == nil && o.uid != uid {
				err = errMoved
			}
			if err != nil {
				out.bad = append(out.bad, trouble{uid, err.Error()})
				continue
			}
			out.keys = append(out.keys, bytes.Clone(k))
			o.sealed = key
			out.secrets = append(out.secrets, key, o.digest)
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

// unseal reads a record and opens the key, and the digest in the object.
func (s *Store) unseal(record []byte) (o *object, key []byte, err error) {
	if o, err = decode(&ttlv.Decoder{}, record); err != nil {
		return nil, nil, err
	}
	if len(o.digest) > 0 {
		if o.digest, err = s.seal.open(o.digest, o.digestBinding()); err != nil {
			return nil, nil, err
		}
	}
	if len(o.sealed) > 0 {
		key, err = s.seal.open(o.sealed, o.binding())
	}
	return o, key, err
}

// settle notes that the peer has a share, but for objects that are stuck.
func (s *Store) settle(out share, stuck map[string]bool) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		now := readSent(tx)
		var err error
		for _, k := range out.keys {
			if !stuck[string(k[8:])] {
				now.settled = max(now.settled, binary.BigEndian.Uint64(k))
				err = errors.Join(err, tx.Bucket(bucketPending).Delete(k))
			}
		}
		return errors.Join(err, s.putChecked(tx, bucketMeta, keySent, now.encode()))
	})
}

// opReplicate is an operation beyond the specification (8xxxxxxx are free for
// extensions): it takes records, and answers who the server is. Only the peer may ask for it.
const opReplicate kmip.Operation = 0x80000001

// tell is the message: who sends it, and what.
func (s *Store) tell(more ...ttlv.Item) []ttlv.Item {
	return append([]ttlv.Item{ttlv.Bytes(tagServer, s.id[:]), ttlv.Bytes(tagAuthor, s.author[:])}, more...)
}

// whois reads who sent a share, or answered one, and since when its database is open.
func whois(r *ttlv.Reader) (id, author serverID, err error) {
	for _, f := range []struct {
		tag ttlv.Tag
		to  *serverID
	}{{tagServer, &id}, {tagAuthor, &author}} {
		b := r.Required(f.tag, ttlv.ByteString).Bytes
		if r.Err() == nil && len(b) != len(f.to) {
			return id, author, kmip.Fail(kmip.InvalidField, "a server is told by %d bytes, not %d", len(f.to), len(b))
		}
		copy(f.to[:], b)
	}
	return id, author, r.Err()
}

// replicate merges what the peer sends.
func (c *call) replicate(r *ttlv.Reader) (*ttlv.Item, error) {
	if !c.link.is(c.owner) {
		return nil, kmip.Fail(kmip.OperationNotSupported, "this server has no such peer")
	}
	from, author, err := whois(r)
	if err != nil {
		return nil, err
	}
	given := r.Optional(tagToken, ttlv.ByteString)
	records := r.All(tagRecord, ttlv.Structure)
	if err := r.Done(); err != nil {
		return nil, err
	}
	if from == c.id {
		return nil, kmip.Fail(kmip.InvalidField, "the peer has this server's own database, or a copy of it")
	}
	a := answer{id: c.id, author: c.author, heard: readHeard(c.tx, from)}
	if given != nil {
		copy(a.heard.token[:], given.Bytes)
	}
	own := c.owner
	defer func() { c.owner = own }()
	for _, i := range records {
		o, err := readRecord(i)
		if err != nil {
			o, err = &object{}, fmt.Errorf("%w: %v", errPoison, err)
			if uid := i.Find(kmip.TagUniqueIdentifier); uid != nil {
				o.uid = uid.Text()
			}
		} else if err = c.merge(o); err == nil || errors.Is(err, errPoison) {
			a.heard.merged = max(a.heard.merged, o.ver.counter)
		}
		if errors.Is(err, errPoison) {
			c.link.log.Error("an object of the peer is not taken", "object", o.uid, "reason", err.Error())
			a.refused = append(a.refused, trouble{o.uid, err.Error()})
		} else if err != nil {
			// Not a refusal: nothing of the share must be committed.
			return nil, fmt.Errorf("server: from the peer: %s", err)
		}
	}
	if given != nil || len(records) > 0 {
		if err := c.putChecked(c.tx, bucketMeta, keyHeard, a.heard.encode()); err != nil {
			return nil, err
		}
	}
	a.counter = c.tx.Bucket(bucketObjects).Sequence()
	c.link.met(author)
	a.standing, a.unsettled = c.link.stands()
	p := ttlv.Struct(kmip.TagResponsePayload, a.fields()...)
	return &p, nil
}

// errPoison marks an object that cannot be merged, while others can; errMoved one such.
var (
	errPoison = errors.New("it cannot be merged")
	errMoved  = errors.New("server: the database was altered: a record lies at another's place")
)

// merge stores an object of the peer, whose key it has in the clear, unless what is here
// supersedes it.
func (t *txn) merge(o *object) error {
	var before *object
	objects := t.tx.Bucket(bucketObjects)
	if b := objects.Get([]byte(o.uid)); b != nil {
		var err error
		switch before, err = decode(&ttlv.Decoder{}, slices.Clone(b)); {
		case err != nil:
			return fmt.Errorf("%w: what is here: %v", errPoison, err)
		case before.uid != o.uid:
			return fmt.Errorf("%w: %v", errPoison, errMoved)
		case before.owner != o.owner || before.typ != o.typ:
			return fmt.Errorf("%w: it has another owner or type here", errPoison)
		}
	}
	if o.uid == "" || o.ver.counter > 1<<62 {
		return fmt.Errorf("%w: change %d of object %q cannot be", errPoison, o.ver.counter, o.uid)
	}
	if err := objects.SetSequence(max(objects.Sequence(), o.ver.counter)); err != nil {
		return err
	}
	t.owner = o.owner
	var err error
	if before == nil {
		o.seq, err = t.tx.Bucket(bucketOwned).NextSequence()
	} else if o.seq = before.seq; !o.supersedes(before) {
		if o.reached <= before.reached {
			return nil
		}
		// What the peer's clients were told holds here too, whoever changed it last.
		return t.raise(before, o.reached)
	}
	// The state that clients of this server were told holds for the new version too, and
	// goes back to the peer with it.
	further := before != nil && before.reached > o.reached
	if further {
		o.reached = before.reached
	}
	if err == nil && len(o.digest) > 0 {
		o.digest, err = t.seal.seal(o.digest, o.digestBinding())
	}
	if err == nil && len(o.sealed) > 0 {
		o.sealed, err = t.seal.seal(o.sealed, o.binding())
	}
	if err != nil {
		return err
	}
	err = t.write(o, before)
	if further {
		err = errors.Join(err, t.tx.Bucket(bucketPending).Put(pendingKey(o), []byte{}))
	}
	return err
}
