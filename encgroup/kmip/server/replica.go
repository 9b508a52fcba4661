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

// Replication, the half about the database: what differs between two servers, and which of two
// versions of an object stays. The half about the network is in link.go and session.go.

// recordMax bounds an object, in bytes: one always fits into a message to the peer.
const recordMax = 1 << 20

// A message carries at most shareRecords objects, and none after shareBytes is reached. A list has
// at most listMax versions. peerMax bounds a message, in bytes.
const (
	shareRecords = 64
	shareBytes   = 256 << 10
	listMax      = 1024
	peerMax      = shareBytes + 2*recordMax
)

// serverID is the number of a server: random, made with its database.
type serverID [8]byte

// version is when an object was changed last, by a Lamport clock: the number of a change is above
// every number that the server has seen. Between equal numbers the author decides. An author is a
// server since its database was opened last, so that a server whose database was put back to an
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

// supersedes says whether o stays and other goes, the same on both servers: the more final version
// stays, else the later one.
func (o *object) supersedes(other *object) bool {
	if a, b := o.finality(), other.finality(); a != b {
		return a > b
	}
	if o.ver.counter != other.ver.counter {
		return o.ver.counter > other.ver.counter
	}
	return bytes.Compare(o.ver.author[:], other.ver.author[:]) > 0
}

// list has the versions of all objects with identifiers after from, up to and with to. An empty to
// is the end.
type list struct {
	from, to string
	has      []string
}

// entry is what two servers compare of an object: equal if its content is.
func (o *object) entry() string {
	b := append(binary.BigEndian.AppendUint64(nil, o.ver.counter), o.ver.author[:]...)
	return string(append(b, byte(o.reached))) + o.uid
}

const (
	tagList  ttlv.Tag = 0x540009
	tagFrom  ttlv.Tag = 0x54000a
	tagTo    ttlv.Tag = 0x54000c
	tagEntry ttlv.Tag = 0x54000f
)

func (l *list) item() ttlv.Item {
	i := ttlv.Struct(tagList, ttlv.Text(tagFrom, l.from), ttlv.Text(tagTo, l.to))
	for _, e := range l.has {
		i.Add(ttlv.Bytes(tagEntry, []byte(e)))
	}
	return i
}

func readList(i *ttlv.Item) *list {
	r := ttlv.Read(i)
	l := &list{from: r.Text(tagFrom), to: r.Text(tagTo)}
	for _, e := range r.All(tagEntry, ttlv.ByteString) {
		l.has = append(l.has, string(e.Bytes))
	}
	return l
}

// each calls f with the objects after an identifier, in order, until f returns false.
func (s *Store) each(from string, f func(uid string, o *object, err error) bool) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketObjects).Cursor()
		for k, v := c.Seek([]byte(from)); k != nil; k, v = c.Next() {
			if string(k) == from {
				continue
			}
			o, err := decode(&ttlv.Decoder{}, v)
			if err == nil && o.uid != string(k) {
				err = errMoved
			}
			if !f(string(k), o, err) {
				break
			}
		}
		return nil
	})
}

// list makes the list of at most listMax objects after an identifier. It skips what cannot be read.
func (s *Store) list(from string) (*list, error) {
	l, last := &list{from: from}, from
	return l, s.each(from, func(uid string, o *object, err error) bool {
		if len(l.has) == listMax {
			l.to = last
			return false
		}
		if last = uid; err == nil {
			l.has = append(l.has, o.entry())
		}
		return true
	})
}

// differing are the objects here that the peer lacks, or has in another version, by its list.
func (s *Store) differing(l *list) (uids []string, err error) {
	has := map[string]bool{}
	for _, e := range l.has {
		has[e] = true
	}
	err = s.each(l.from, func(uid string, o *object, err error) bool {
		if l.to != "" && uid > l.to {
			return false
		}
		if err != nil || !has[o.entry()] {
			uids = append(uids, uid)
		}
		return true
	})
	return uids, err
}

// share is the first n objects of a queue as a message carries them, with their keys.
type share struct {
	n       int
	records []ttlv.Item
	bad     []trouble // what cannot be read
	secrets [][]byte
}

func (s *share) wipe() {
	for _, k := range s.secrets {
		clear(k)
	}
}

func (s *Store) share(queue []string) (out share, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		size := 0
		for n, uid := range queue {
			if len(out.records) == shareRecords || size >= shareBytes {
				break
			}
			out.n++
			if slices.Contains(queue[:n], uid) {
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
			o.sealed = key
			out.secrets = append(out.secrets, key, o.digest)
			i := o.record()
			size += i.Size()
			out.records = append(out.records, i)
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

// errPoison marks an object that cannot be merged, while others can. errMoved is one reason.
var (
	errPoison = errors.New("it cannot be merged")
	errMoved  = errors.New("server: the database was altered: a record lies at another's place")
)

// merge stores objects of the peer. owed are those that the peer must get back.
func (s *Store) merge(records []ttlv.Item) (refused []trouble, owed []string, err error) {
	if len(records) == 0 {
		return nil, nil, nil
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		for n := range records {
			uid, more := "", false
			o, err := readRecord(&records[n])
			if err != nil {
				err = fmt.Errorf("%w: %v", errPoison, err)
				if i := records[n].Find(kmip.TagUniqueIdentifier); i != nil {
					uid = i.Text()
				}
			} else {
				uid = o.uid
				more, err = (&txn{Store: s, tx: tx, owner: o.owner}).merge(o)
			}
			switch {
			case errors.Is(err, errPoison):
				refused = append(refused, trouble{uid, err.Error()})
			case err != nil:
				return fmt.Errorf("server: from the peer: %w", err) // nothing of the share is committed
			case more:
				owed = append(owed, uid)
			}
		}
		return nil
	})
	return refused, owed, err
}

// merge stores an object of the peer, with its key in the clear, unless the version here supersedes
// it. further says that clients were told a state here that the peer does not know.
func (t *txn) merge(o *object) (further bool, err error) {
	var before *object
	objects := t.tx.Bucket(bucketObjects)
	if b := objects.Get([]byte(o.uid)); b != nil {
		switch before, err = decode(&ttlv.Decoder{}, slices.Clone(b)); {
		case err != nil:
			return false, fmt.Errorf("%w: what is here: %v", errPoison, err)
		case before.uid != o.uid:
			return false, fmt.Errorf("%w: %v", errPoison, errMoved)
		case before.owner != o.owner || before.typ != o.typ:
			return false, fmt.Errorf("%w: it has another owner or type here", errPoison)
		}
	}
	if o.uid == "" || o.ver.counter > 1<<62 {
		return false, fmt.Errorf("%w: change %d of object %q cannot be", errPoison, o.ver.counter, o.uid)
	}
	if err := objects.SetSequence(max(objects.Sequence(), o.ver.counter)); err != nil {
		return false, err
	}
	if before == nil {
		o.seq, err = t.tx.Bucket(bucketOwned).NextSequence()
	} else if o.seq = before.seq; !o.supersedes(before) {
		if o.reached <= before.reached {
			return false, nil
		}
		// What the peer's clients were told holds here too, whoever changed it last.
		kept := copied(before)
		kept.reached = o.reached
		return false, t.write(kept, before)
	} else if further = before.reached > o.reached; further {
		o.reached = before.reached // what clients of this server were told holds for the new version too
	}
	if err == nil && len(o.digest) > 0 {
		o.digest, err = t.seal.seal(o.digest, o.digestBinding())
	}
	if err == nil && len(o.sealed) > 0 {
		o.sealed, err = t.seal.seal(o.sealed, o.binding())
	}
	if err != nil {
		return false, err
	}
	return further, t.write(o, before)
}
