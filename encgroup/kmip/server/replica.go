package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Replication, the half about the database: what differs between two servers, and what a server takes from
// its peer. How two versions of an object become one is in merge.go. The half about the network is in link.go and session.go.

// recordMax bounds an object, in bytes, as clients of one server make it. Two servers that were apart
// may have filled one object both: twice as much fits into a message to the peer.
const recordMax = 1 << 20

// A message carries at most shareRecords objects, and none after shareBytes is reached. A list has
// at most listMax versions. peerMax bounds a message, in bytes.
const (
	shareRecords = 64
	shareBytes   = 256 << 10
	listMax      = 1024
	peerMax      = shareBytes + 4*recordMax
)

// serverID is the number of a server: random, made with its database.
type serverID [8]byte

// list has the versions of all objects with identifiers after from, up to and with to. An empty to
// is the end.
type list struct {
	from, to string
	has      []string
}

// entry is what two servers compare of an object: equal if its content is. The key and its digest
// differ in how each server seals them, and are either there or not.
func (o *object) entry() string {
	x, there := *o, func(b []byte) []byte { return bytes.Repeat([]byte{1}, min(len(b), 1)) }
	x.seq, x.sealed, x.digest = 0, there(o.sealed), there(o.digest)
	h := sha256.Sum256(x.encode())
	return string(h[:16]) + o.uid
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

// merged is what came of objects of the peer.
type merged struct {
	refused []trouble // objects that cannot be merged
	lost    []trouble // attributes of which both servers had changed the one value
	owed    []string  // objects that the peer must get back: they hold changes that it has not seen
}

// merge stores objects of the peer.
func (s *Store) merge(records []ttlv.Item) (out merged, err error) {
	if len(records) == 0 {
		return out, nil
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		for n := range records {
			o, err := readRecord(&records[n])
			if err != nil {
				uid := ""
				if i := records[n].Find(kmip.TagUniqueIdentifier); i != nil {
					uid = i.Text()
				}
				out.refused = append(out.refused, trouble{uid, fmt.Sprintf("%v: %v", errPoison, err)})
				continue
			}
			owed, lost, err := (&txn{Store: s, tx: tx, owner: o.owner}).merge(o)
			switch {
			case errors.Is(err, errPoison):
				out.refused = append(out.refused, trouble{o.uid, err.Error()})
			case err != nil:
				return fmt.Errorf("server: from the peer: %w", err) // nothing of the share is committed
			case owed:
				out.owed = append(out.owed, o.uid)
			}
			for _, name := range lost {
				out.lost = append(out.lost, trouble{o.uid, name})
			}
		}
		return nil
	})
	return out, err
}

// merge joins an object of the peer, with its key in the clear, with what is here.
func (t *txn) merge(o *object) (owed bool, lost []string, err error) {
	objects := t.tx.Bucket(bucketObjects)
	last := o.last()
	if o.uid == "" || last > 1<<62 {
		return false, nil, fmt.Errorf("%w: change %d of object %q cannot be", errPoison, last, o.uid)
	}
	b := objects.Get([]byte(o.uid))
	if b == nil {
		if err := objects.SetSequence(max(objects.Sequence(), last)); err != nil {
			return false, nil, err
		}
		if o.seq, err = t.tx.Bucket(bucketOwned).NextSequence(); err != nil {
			return false, nil, err
		}
		if err := t.seals(o); err != nil {
			return false, nil, err
		}
		return false, nil, t.write(o, nil)
	}
	before, err := decode(&ttlv.Decoder{}, slices.Clone(b))
	switch {
	case err != nil:
		return false, nil, fmt.Errorf("%w: what is here: %v", errPoison, err)
	case before.uid != o.uid:
		return false, nil, fmt.Errorf("%w: %v", errPoison, errMoved)
	case before.owner != o.owner || before.typ != o.typ:
		return false, nil, fmt.Errorf("%w: it has another owner or type here", errPoison)
	}
	if err := objects.SetSequence(max(objects.Sequence(), last)); err != nil {
		return false, nil, err
	}
	out, lost := before.join(o)
	if len(out.digest) == 0 && len(o.digest) > 0 { // the peer made it when it destroyed the key
		out.digest, err = t.seal.seal(o.digest, o.digestBinding())
	}
	if err != nil {
		return false, nil, err
	}
	owed = out.entry() != o.entry()
	if out.entry() == before.entry() {
		return owed, lost, nil
	}
	return owed, lost, t.write(out, before)
}

// seals puts the key and the digest of an object under the master key.
func (t *txn) seals(o *object) (err error) {
	if len(o.digest) > 0 {
		o.digest, err = t.seal.seal(o.digest, o.digestBinding())
	}
	if err == nil && len(o.sealed) > 0 {
		o.sealed, err = t.seal.seal(o.sealed, o.binding())
	}
	return err
}
