package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// ErrDamaged says that a database is not as the server wrote it: cut short, with flipped
// bits, or changed by somebody else. The file is not changed. A backup helps, or a new server
// that gets the objects from its peer.
var ErrDamaged = errors.New("the database is damaged, and was left as it is")

// bucketSums has a check of 16 bytes for each record and each entry of meta. To make one
// takes the master key.
var bucketSums = []byte("sums")

// checker makes checks. Its key is in a closure, so that no print shows it.
type checker func(bucket, key, value []byte) []byte

func newChecker(master *secret.Key32) checker {
	derive := hmac.New(sha256.New, master[:])
	derive.Write([]byte("fdelab kmip record check v1"))
	key := derive.Sum(nil)
	return func(bucket, name, value []byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, b := range [][]byte{bucket, name} { // short ones
			h.Write([]byte{byte(len(b))})
			h.Write(b)
		}
		h.Write(value)
		return h.Sum(nil)[:16]
	}
}

// sumKey is the key of a check in bucketSums. Unique identifiers have no zero bytes.
func sumKey(bucket, key []byte) []byte {
	if bytes.Equal(bucket, bucketObjects) {
		return key
	}
	return append([]byte{0}, key...)
}

// putChecked stores a record or an entry of meta with its check.
func (s *Store) putChecked(tx *bbolt.Tx, bucket, key, value []byte) error {
	return errors.Join(tx.Bucket(bucket).Put(key, value), tx.Bucket(bucketSums).Put(sumKey(bucket, key), s.sum(bucket, key, value)))
}

// guarded runs f on the mapped file. The structure of the file was checked
// before, so a memory fault means that the file was cut short since.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil { // its text may show bytes of the file
			err = errors.New("bbolt does not get through it")
		}
	}()
	return f()
}

// verify checks the whole database: the trees by bbolt's own check, each record by its check
// and by its key, the indexes by the records. A database of an older form is then brought to
// the form of today.
func (s *Store) verify(form byte) error {
	parts := [][]byte{bucketMeta, bucketObjects, bucketOwned, bucketNames, bucketGroups}
	known := append(parts[:5:5], bucketSums)
	switch form {
	case 2: // the first of them had no checks yet, none had counts
		known = append(known, bucketPending)
	case 3, 4:
		parts = known
	default:
		known = append(known, bucketLiving)
		parts = known
	}
	var living map[identity]uint64
	err := s.db.View(func(tx *bbolt.Tx) error {
		var first error
		for err := range tx.Check() { // to the end: the sender waits
			if first == nil {
				first = errors.New(string(bytes.ReplaceAll([]byte(err.Error()), []byte("\n"), []byte(" "))))
			}
		}
		if first != nil {
			return first
		}
		for _, b := range parts {
			if tx.Bucket(b) == nil {
				return fmt.Errorf("it has no %s", b)
			}
		}
		// Checks under a wrong name would look like a database without checks.
		if err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if slices.ContainsFunc(known, func(b []byte) bool { return bytes.Equal(b, name) }) {
				return nil
			}
			return fmt.Errorf("it has a part %q that no server makes", name)
		}); err != nil {
			return err
		}
		var err error
		living, err = s.verifyContent(tx, tx.Bucket(bucketSums) == nil)
		if err != nil || form < 5 {
			return err
		}
		return verifyLiving(tx, living)
	})
	switch {
	case err != nil || form == databaseForm:
		return err
	case form == 2:
		return s.db.Update(func(tx *bbolt.Tx) error { return errors.Join(s.renew(tx), startLiving(tx, living)) })
	}
	return s.db.Update(func(tx *bbolt.Tx) error { // records of form 3 have no stamps, and need none
		return errors.Join(startLiving(tx, living), s.putChecked(tx, bucketMeta, keyForm, []byte{databaseForm}))
	})
}

// bucketPending is in form 2 only: what the peer lacked. Now the two compare when they meet.
var bucketPending = []byte("pending")

// renew brings a database of form 2 to the form of today, but for the counts: it makes the checks,
// and removes the notes about the peer.
func (s *Store) renew(tx *bbolt.Tx) error {
	var err error
	if tx.Bucket(bucketPending) != nil {
		err = tx.DeleteBucket(bucketPending)
	}
	for _, k := range []string{"peer", "heard", "sent"} {
		err = errors.Join(err, tx.Bucket(bucketMeta).Delete([]byte(k)))
	}
	err = errors.Join(err, tx.Bucket(bucketMeta).Put(keyForm, []byte{databaseForm}))
	if tx.Bucket(bucketSums) != nil {
		err = errors.Join(err, tx.DeleteBucket(bucketSums))
	}
	if _, failed := tx.CreateBucket(bucketSums); failed != nil || err != nil {
		return errors.Join(err, failed)
	}
	for _, b := range [][]byte{bucketMeta, bucketObjects} {
		err = errors.Join(err, tx.Bucket(b).ForEach(func(k, v []byte) error {
			return tx.Bucket(bucketSums).Put(sumKey(b, k), s.sum(b, k, v))
		}))
	}
	return err
}

// verifyContent counts, too, how many objects of each owner are not destroyed.
func (s *Store) verifyContent(tx *bbolt.Tx, older bool) (living map[identity]uint64, err error) {
	entries := 0
	living = map[identity]uint64{}
	checked := func(bucket, k, v []byte) error {
		entries++
		if !older && !hmac.Equal(tx.Bucket(bucketSums).Get(sumKey(bucket, k)), s.sum(bucket, k, v)) {
			return fmt.Errorf("%s %q is not as it was written", bucket, k)
		}
		return nil
	}
	if err := tx.Bucket(bucketMeta).ForEach(func(k, v []byte) error { return checked(bucketMeta, k, v) }); err != nil {
		return nil, err
	}
	owned, names, groups := 0, 0, 0
	var seq uint64
	err = tx.Bucket(bucketObjects).ForEach(func(uid, record []byte) error {
		if err := checked(bucketObjects, uid, record); err != nil {
			return err
		}
		o, err := decode(&ttlv.Decoder{}, bytes.Clone(record))
		if err != nil || o.uid != string(uid) {
			return fmt.Errorf("object %q: its record makes no sense", uid)
		}
		if len(o.sealed) > 0 {
			key, err := s.seal.open(o.sealed, o.binding())
			clear(key)
			if err != nil {
				return fmt.Errorf("object %q: its key does not open", uid)
			}
		}
		if len(o.digest) > 0 {
			digest, err := s.seal.open(o.digest, o.digestBinding())
			clear(digest)
			if err != nil {
				return fmt.Errorf("object %q: the digest of its key does not open", uid)
			}
		}
		t := &txn{Store: s, tx: tx, owner: o.owner}
		indexed := string(tx.Bucket(bucketOwned).Get(t.seqKey(t.owner[:], o.seq))) == o.uid
		owned, seq = owned+1, max(seq, o.seq)
		if !o.gone() {
			living[o.owner]++
		}
		for _, k := range t.nameKeys(o) {
			names++
			indexed = indexed && tx.Bucket(bucketNames).Get(k) != nil
		}
		seen := map[string]bool{}
		for _, g := range o.all(kmip.AttrObjectGroup) {
			k := t.seqKey(t.groupKey(g.Bytes), o.seq)
			if !seen[string(k)] {
				seen[string(k)] = true
				groups++
			}
			indexed = indexed && string(tx.Bucket(bucketGroups).Get(k)) == o.uid
		}
		if !indexed {
			return fmt.Errorf("object %q is missing in an index", uid)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, x := range []struct {
		bucket []byte
		want   int
	}{{bucketOwned, owned}, {bucketNames, names}, {bucketGroups, groups}, {bucketSums, entries}} {
		if b := tx.Bucket(x.bucket); b != nil && b.Stats().KeyN != x.want {
			return nil, fmt.Errorf("%s has %d entries, need %d", x.bucket, b.Stats().KeyN, x.want)
		}
	}
	if have := tx.Bucket(bucketOwned).Sequence(); have < seq {
		return nil, fmt.Errorf("the next object would be number %d, and there is one of number %d", have+1, seq)
	}
	return living, nil
}
