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

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// The buckets of the database, and the keys in bucketMeta.
var (
	bucketMeta    = []byte("meta")
	bucketObjects = []byte("objects") // uid -> record
	bucketOwned   = []byte("owned")   // owner, seq -> uid
	bucketNames   = []byte("names")   // owner, hash of type and name, uid -> nothing; without destroyed objects
	bucketGroups  = []byte("groups")  // owner, hash of the group, seq -> uid

	keyForm   = []byte("form")
	keyMaster = []byte("master") // the master key, wrapped
	keyArgon  = []byte("argon")  // cost and salt, when a passphrase wraps it
	keyServer = []byte("server") // who this server is
)

// databaseForm is the form of a database. Before form 5 it had no counts. Before form 4 the two
// servers of a pair merged whole objects: a record had one version and no stamps. Before form 3 they
// kept notes about each other.
const databaseForm = 5

// ErrInUse is returned when another server has the database open.
var ErrInUse = errors.New("another server has the database open")

// Store is the database of a server: managed objects, with their keys wrapped. A committed
// change is on the disk.
type Store struct {
	db      *bbolt.DB
	id      serverID
	author  serverID // random: of the changes since the store was opened
	seal    sealer
	sum     checker
	entropy io.Reader
}

// Format prints the path: the store can open keys.
func (s *Store) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key store %s", s.db.Path()) }

// CreateStore makes a new database with a master key of its own, as a whole or not at all.
// The file must not exist.
func CreateStore(path string, u Unlock, entropy io.Reader) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("server: %s: %w", path, os.ErrExist)
	}
	var master secret.Key32
	defer master.Clear()
	a := argonCost
	var id serverID
	for _, b := range [][]byte{master[:], a.salt[:], id[:]} {
		if _, err := io.ReadFull(entropy, b); err != nil {
			return fmt.Errorf("server: no entropy: %w", err)
		}
	}
	kek, err := u.kek(&a)
	if err != nil {
		return err
	}
	defer kek.Clear()
	wrapped, err := wrapMaster(kek, &master)
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
	s := &Store{sum: newChecker(&master)}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{bucketMeta, bucketObjects, bucketOwned, bucketNames, bucketGroups, bucketLiving, bucketSums} {
			if _, err := tx.CreateBucket(b); err != nil {
				return err
			}
		}
		put := func(key, value []byte) error { return s.putChecked(tx, bucketMeta, key, value) }
		err := errors.Join(put(keyForm, []byte{databaseForm}), put(keyMaster, wrapped), put(keyServer, id[:]))
		if u.Passphrase != nil {
			err = errors.Join(err, put(keyArgon, a.encode()))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("server: %s: %w", part, err)
	}
	// Link, unlike rename, never replaces what another process put there meanwhile.
	if err := errors.Join(os.Link(part, path), os.Remove(part)); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir writes the entries of a directory to the disk.
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
// database that is open elsewhere ErrInUse, a damaged one ErrDamaged: all of it is checked
// first. entropy is for keys and identifiers.
func OpenStore(path string, u Unlock, entropy io.Reader) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := checkStructure(path); errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("server: %s: %w", path, err)
	} else if err != nil {
		return nil, fmt.Errorf("server: %s: %w: %w", path, ErrDamaged, err)
	}
	var db *bbolt.DB
	err := guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("server: %s: %w", path, err)
	}
	var master *secret.Key32
	defer func() { master.Clear() }()
	var id serverID
	var form byte
	readMeta := func(tx *bbolt.Tx) error {
		m := tx.Bucket(bucketMeta)
		if m == nil || len(m.Get(keyForm)) != 1 || copy(id[:], m.Get(keyServer)) != len(id) {
			return errors.New("no key server's database")
		}
		if form = m.Get(keyForm)[0]; form < 2 || form > databaseForm {
			return fmt.Errorf("a database of form %d, need 2 to %d", form, databaseForm)
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
		master, err = unwrapMaster(kek, m.Get(keyMaster))
		return err
	}
	err = guarded(func() error { return db.View(readMeta) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: %s: %w", path, err), db.Close())
	}
	s := &Store{db: db, id: id, seal: newSealer(master, entropy), sum: newChecker(master), entropy: entropy}
	if err := guarded(func() error { return s.verify(form) }); err != nil {
		return nil, errors.Join(fmt.Errorf("server: %s: %w: %w", path, ErrDamaged, err), db.Close())
	}
	if _, err := io.ReadFull(entropy, s.author[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("server: no entropy: %w", err), db.Close())
	}
	return s, nil
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
	dec   *ttlv.Decoder // its records are valid until the message is answered
	owner identity
	now   time.Time
	made  []string // identifiers of the objects that the client changed
	told  []sighting
}

// load finds an object of the client. An object of another client is not found.
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
		return nil, errMoved
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

// named is the object that has this name, or "". When two servers gave the name to two objects
// while apart, it is the object with the lower identifier, on both.
func (t *txn) named(n *ttlv.Item) string {
	uid := ""
	t.eachNamed(n, func(u string) bool { uid = u; return false })
	return uid
}

// eachNamed calls f with the objects that have this name, until f says no.
func (t *txn) eachNamed(n *ttlv.Item, f func(uid string) bool) {
	prefix, c := t.nameKey(n), t.tx.Bucket(bucketNames).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if !f(string(k[len(prefix):])) {
			return
		}
	}
}

// taken says whether an object other than this one has the name.
func (t *txn) taken(n *ttlv.Item, but string) (yes bool) {
	t.eachNamed(n, func(uid string) bool {
		yes = yes || uid != but
		return !yes
	})
	return yes
}

// place gives a new object its identifier and its number in the order of making.
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
// the object would have twice. The object may keep a name that it has.
func (t *txn) free(o *object, why kmip.Reason) error {
	if o.gone() {
		return nil
	}
	seen := map[string]bool{}
	for _, n := range o.names() {
		k := t.nameKey(n)
		if t.tx.Bucket(bucketNames).Get(append(bytes.Clone(k), o.uid...)) == nil && t.taken(n, o.uid) {
			return kmip.Fail(why, "another object has this name")
		}
		if seen[string(k)] {
			return kmip.Fail(why, "the object has this name already")
		}
		seen[string(k)] = true
	}
	return nil
}

// put writes an object that a client made or changed. before is the stored version, nil for a
// new object. After a *Failure nothing was written. After any other error the transaction
// must not be committed.
func (t *txn) put(o, before *object, why kmip.Reason) error {
	if err := t.free(o, why); err != nil {
		return err
	}
	// Two servers may have filled an object apart, and its life cycle goes on all the same.
	if n := ttlv.HeaderSize + len(o.encode()); n > recordMax && (before == nil || o.weight() > before.weight()) {
		return kmip.Fail(why, "the object would have %d bytes, more than %d", n, recordMax)
	}
	counter, err := t.tx.Bucket(bucketObjects).NextSequence()
	if err != nil {
		return err
	}
	o.stampChanges(before, version{counter, t.author})
	o.reach(t.now.Unix())
	t.made = append(t.made, o.uid)
	return t.write(o, before)
}

// write writes an object and its index entries.
func (t *txn) write(o, before *object) error {
	names, groups := t.tx.Bucket(bucketNames), t.tx.Bucket(bucketGroups)
	var err error
	if before == nil {
		err = t.tx.Bucket(bucketOwned).Put(t.seqKey(t.owner[:], o.seq), []byte(o.uid))
	} else {
		for _, k := range t.nameKeys(before) {
			err = errors.Join(err, names.Delete(k))
		}
		for _, g := range before.all(kmip.AttrObjectGroup) {
			err = errors.Join(err, groups.Delete(t.seqKey(t.groupKey(g.Bytes), o.seq)))
		}
	}
	for _, k := range t.nameKeys(o) {
		err = errors.Join(err, names.Put(k, []byte{}))
	}
	for _, g := range o.all(kmip.AttrObjectGroup) {
		err = errors.Join(err, groups.Put(t.seqKey(t.groupKey(g.Bytes), o.seq), []byte(o.uid)))
	}
	return errors.Join(err, t.countLiving(o, before), t.putChecked(t.tx, bucketObjects, []byte(o.uid), o.encode()))
}

// nameKeys are the entries of an object in the index of names: none when it is destroyed.
func (t *txn) nameKeys(o *object) (keys [][]byte) {
	if o.gone() {
		return nil
	}
	for _, n := range o.names() {
		keys = append(keys, append(t.nameKey(n), o.uid...))
	}
	return keys
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
