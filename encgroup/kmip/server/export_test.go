package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Dump is the content of a store by identifier, with keys opened: equal for two stores with the
// same objects. It checks the indexes too.
func Dump(s *Store) (map[string]string, error) {
	out := map[string]string{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		t := &txn{Store: s, tx: tx}
		names, owned, groups, living := 0, 0, map[string]bool{}, map[identity]uint64{}
		err := tx.Bucket(bucketObjects).ForEach(func(uid, b []byte) error {
			o, key, err := s.unseal(bytes.Clone(b))
			if err != nil {
				return err
			}
			t.owner = o.owner
			if got := tx.Bucket(bucketOwned).Get(t.seqKey(o.owner[:], o.seq)); string(got) != o.uid {
				return fmt.Errorf("%s is not among what its owner has", o.uid)
			}
			owned++
			if !o.gone() {
				living[o.owner]++
			}
			for _, k := range t.nameKeys(o) {
				if names++; tx.Bucket(bucketNames).Get(k) == nil {
					return fmt.Errorf("a name of %s is not in the index", o.uid)
				}
			}
			for _, g := range o.all(kmip.AttrObjectGroup) {
				k := t.seqKey(t.groupKey(g.Bytes), o.seq)
				groups[string(k)] = true
				if string(tx.Bucket(bucketGroups).Get(k)) != o.uid {
					return fmt.Errorf("a group of %s is not in the index", o.uid)
				}
			}
			o.seq, o.sealed = 0, key
			i := o.record()
			out[string(uid)] = string(ttlv.Append(nil, &i))
			return nil
		})
		for _, c := range []struct {
			bucket []byte
			want   int
		}{{bucketNames, names}, {bucketOwned, owned}, {bucketGroups, len(groups)}} {
			if n := tx.Bucket(c.bucket).Stats().KeyN; n != c.want && err == nil {
				err = fmt.Errorf("the index %s has %d entries, not %d", c.bucket, n, c.want)
			}
		}
		if err == nil {
			err = verifyLiving(tx, living)
		}
		return err
	})
	return out, err
}

// Spoil makes a record unreadable.
func Spoil(s *Store, uid string) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketObjects).Put([]byte(uid), []byte("poison")) })
}

// KillAtWrite ends the life of a store at a write to its file, that with number k from now: nothing
// is written any more, or half of that write. image is the file then.
func KillAtWrite(s *Store, k int, half bool) (died func() bool, image func() []byte) {
	var mu sync.Mutex
	var left []byte
	// bbolt has this seam for its own tests, and keeps it to itself.
	at := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	seam := (*func([]byte, int64) (int, error))(unsafe.Pointer(at.UnsafeAddr()))
	write := *seam
	*seam = func(b []byte, off int64) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if k--; left == nil && k >= 0 {
			return write(b, off)
		}
		if left == nil {
			if half {
				_, _ = write(b[:len(b)/2], off)
			}
			left, _ = os.ReadFile(s.db.Path())
		}
		return 0, errors.New("killed")
	}
	return func() bool { mu.Lock(); defer mu.Unlock(); return left != nil }, func() []byte { return left }
}
