package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// The buckets of the database and the keys of the first of them.
var (
	bucketMeta    = []byte("meta")
	bucketObjects = []byte("objects") // uid -> record
	bucketOwned   = []byte("owned")   // owner, seq -> uid
	bucketNames   = []byte("names")   // owner, hash of type and name -> uid; of what is not destroyed
	bucketGroups  = []byte("groups")  // owner, hash of the group, seq -> uid

	keyForm   = []byte("form")
	keyMaster = []byte("master") // the master key, wrapped
	keyArgon  = []byte("argon")  // cost and salt, when a passphrase wraps it
)

const databaseForm = 1

// ErrInUse is returned when another server has the database open.
var ErrInUse = errors.New("another server has the database open")

// Store is the database of a server: managed objects, their keys wrapped. What was
// committed is on the disk.
type Store struct {
	db      *bbolt.DB
	seal    sealer
	entropy io.Reader
}

// Format prints the path: the store can open keys.
func (s *Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key store %s", s.db.Path()) }

// CreateStore makes a new database with a master key of its own. A file that
// is there is an error. Either the whole database comes to be or none.
func CreateStore(path string, u Unlock, entropy io.Reader) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("server: %s: %w", path, os.ErrExist)
	}
	var master secret.Key32
	defer master.Clear()
	a := argonCost
	for _, b := range [][]byte{master[:], a.salt[:]} {
		if _, err := io.ReadFull(entropy, b); err != nil {
			return fmt.Errorf("server: no entropy: %w", err)
		}
	}
	kek, err := u.kek(&a)
	if err != nil {
		return err
	}
	defer kek.Clear()
	wrapped, err := wrapMaster(&kek, &master)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("server: %w", err)
	}
	db, err := bbolt.Open(part, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("server: %s: %w", part, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketObjects, bucketOwned, bucketNames, bucketGroups} {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		m := tx.Bucket(bucketMeta)
		err := errors.Join(m.Put(keyForm, []byte{databaseForm}), m.Put(keyMaster, wrapped))
		if u.Passphrase != nil {
			err = errors.Join(err, m.Put(keyArgon, a.encode()))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("server: %s: %w", part, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func (a *argon) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, a.passes)
	b = binary.BigEndian.AppendUint32(b, a.kibibytes)
	return append(append(b, a.lanes), a.salt[:]...)
}

func (a *argon) decode(b []byte) error {
	if len(b) != 9+len(a.salt) {
		return fmt.Errorf("the cost of the passphrase has %d bytes", len(b))
	}
	a.passes, a.kibibytes, a.lanes = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]
	copy(a.salt[:], b[9:])
	if a.passes == 0 || a.passes > 100 || a.kibibytes > 4<<20 || a.lanes == 0 {
		return fmt.Errorf("the cost of the passphrase is %d passes over %d KiB", a.passes, a.kibibytes)
	}
	return nil
}

// OpenStore opens a database. The wrong key or passphrase gives ErrMaster, a
// database that is open elsewhere ErrInUse. entropy is for keys and identifiers.
func OpenStore(path string, u Unlock, entropy io.Reader) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("server: %s: %w", path, err)
	}
	var master secret.Key32
	defer master.Clear()
	err = db.View(func(tx *bbolt.Tx) error {
		m := tx.Bucket(bucketMeta)
		if m == nil || !bytes.Equal(m.Get(keyForm), []byte{databaseForm}) {
			return errors.New("no key server's database, or one of a later version")
		}
		var a argon
		cost := m.Get(keyArgon)
		if (cost != nil) != (u.Passphrase != nil) {
			return fmt.Errorf("%w: it was made with a %s", ErrMaster, map[bool]string{true: "passphrase", false: "key file"}[cost != nil])
		}
		if cost != nil {
			if err := a.decode(cost); err != nil {
				return err
			}
		}
		kek, err := u.kek(&a)
		if err != nil {
			return err
		}
		defer kek.Clear()
		master, err = unwrapMaster(&kek, m.Get(keyMaster))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: %s: %w", path, err), db.Close())
	}
	return &Store{db: db, seal: newSealer(&master, entropy), entropy: entropy}, nil
}

// Close closes the database. Transactions under way end first.
func (s *Store) Close() error { return s.db.Close() }

// Count is the number of objects, destroyed ones included.
func (s *Store) Count() (n int, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket(bucketObjects).Stats().KeyN
		return nil
	})
	return n, err
}

// txn is one transaction of one client.
type txn struct {
	*Store
	tx    *bbolt.Tx
	dec   *ttlv.Decoder // of the records, as long as the message is answered
	owner identity
	now   time.Time
}

// load finds an object of the client. What belongs to another is not found.
func (t *txn) load(uid string) (*object, error) {
	b := t.tx.Bucket(bucketObjects).Get([]byte(uid))
	if b == nil {
		return nil, kmip.Fail(kmip.ItemNotFound, "no object has this unique identifier")
	}
	o, err := decode(t.dec, b)
	if err != nil {
		return nil, err
	}
	if o.owner != t.owner {
		return nil, kmip.Fail(kmip.ItemNotFound, "no object has this unique identifier")
	}
	if o.uid != uid {
		return nil, errors.New("server: the database was altered: a record lies at another's place")
	}
	return o, nil
}

func (t *txn) nameKey(n *ttlv.Item) []byte {
	r := ttlv.Read(n)
	h := sha256.New()
	h.Write([]byte{byte(r.Enum(kmip.TagNameType))})
	h.Write([]byte(r.Text(kmip.TagNameValue)))
	return h.Sum(t.owner[:])
}

func (t *txn) groupKey(group []byte) []byte {
	h := sha256.Sum256(group)
	return append(t.owner[:], h[:]...)
}

func (t *txn) seqKey(prefix []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(prefix), seq)
}

// named is the object that has this name, "" if none.
func (t *txn) named(n *ttlv.Item) string {
	return string(t.tx.Bucket(bucketNames).Get(t.nameKey(n)))
}

// place gives a new object its identifier and its place in the order of making.
func (t *txn) place(o *object) error {
	var id [16]byte
	if _, err := io.ReadFull(t.entropy, id[:]); err != nil {
		return fmt.Errorf("server: no entropy: %w", err)
	}
	seq, err := t.tx.Bucket(bucketOwned).NextSequence()
	if err != nil {
		return err
	}
	o.uid, o.owner, o.seq = fmt.Sprintf("%x", id), t.owner, seq
	if t.tx.Bucket(bucketObjects).Get([]byte(o.uid)) != nil {
		return errors.New("server: the source of entropy repeats itself")
	}
	return nil
}

// free refuses, with why, names that another object of the client has, or that
// the object would have twice.
func (t *txn) free(o *object, why kmip.Reason) error {
	if o.gone() {
		return nil
	}
	seen := map[string]bool{}
	for _, n := range o.names() {
		k := t.nameKey(n)
		if uid := t.tx.Bucket(bucketNames).Get(k); uid != nil && string(uid) != o.uid {
			return kmip.Fail(why, "another object has this name")
		}
		if seen[string(k)] {
			return kmip.Fail(why, "the object has this name already")
		}
		seen[string(k)] = true
	}
	return nil
}

// put writes an object and its index entries. before is what was stored, nil for
// a new one. A *Failure comes before anything is written; any other error means that
// the transaction must not be committed.
func (t *txn) put(o, before *object, why kmip.Reason) error {
	if err := t.free(o, why); err != nil {
		return err
	}
	names, groups := t.tx.Bucket(bucketNames), t.tx.Bucket(bucketGroups)
	var err error
	if before == nil {
		err = t.tx.Bucket(bucketOwned).Put(t.seqKey(t.owner[:], o.seq), []byte(o.uid))
	} else {
		if !before.gone() {
			for _, n := range before.names() {
				err = errors.Join(err, names.Delete(t.nameKey(n)))
			}
		}
		for _, g := range before.all(kmip.AttrObjectGroup) {
			err = errors.Join(err, groups.Delete(t.seqKey(t.groupKey(g.Bytes), o.seq)))
		}
	}
	if !o.gone() {
		for _, n := range o.names() {
			err = errors.Join(err, names.Put(t.nameKey(n), []byte(o.uid)))
		}
	}
	for _, g := range o.all(kmip.AttrObjectGroup) {
		err = errors.Join(err, groups.Put(t.seqKey(t.groupKey(g.Bytes), o.seq), []byte(o.uid)))
	}
	return errors.Join(err, t.tx.Bucket(bucketObjects).Put([]byte(o.uid), o.encode()))
}

// newest calls f with the identifiers under a prefix, the newest first, until f
// says no.
func (t *txn) newest(bucket, prefix []byte, f func(uid string) (bool, error)) error {
	c := t.tx.Bucket(bucket).Cursor()
	end := t.seqKey(prefix, 1<<64-1)
	k, v := c.Seek(end)
	if k == nil {
		k, v = c.Last()
	} else if !bytes.Equal(k, end) {
		k, v = c.Prev()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		if more, err := f(string(v)); err != nil || !more {
			return err
		}
	}
	return nil
}
