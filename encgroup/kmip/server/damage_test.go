package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// filled is the file of a database with objects over several pages, and with pages
// that are free.
func filled(t testing.TB, objects int) []byte {
	t.Helper()
	b := newBench(t)
	for n := range objects {
		uid := b.register(byte(n))
		if n%5 == 0 {
			i, trouble := b.do(kmip.OpDestroy, ttlv.Text(kmip.TagUniqueIdentifier, uid))
			require.NoError(t, trouble)
			require.NoError(t, i.Err())
		}
	}
	require.NoError(t, b.store.Close())
	raw, err := os.ReadFile(b.path)
	require.NoError(t, err)
	return raw
}

// content is every entry of every bucket.
func content(t testing.TB, s *Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				out[fmt.Sprintf("%s %x", name, k)] = string(v)
				return nil
			})
		})
	}))
	return out
}

// openDamaged opens a file and says whether it was refused: then in one line, and
// with nothing changed. What opens holds what was written.
func openDamaged(t testing.TB, path string, raw []byte, want map[string]string, what string) (refused error) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	s, err := OpenStore(path, Unlock{Key: &secret.Key32{1}}, entropy.Stream(3, "damaged"))
	if err == nil {
		require.Equal(t, want, content(t, s), "%s: what opens is what was written", what)
		require.NoError(t, s.Close())
		return nil
	}
	require.NotContains(t, err.Error(), "\n", "%s: one line", what)
	require.Contains(t, err.Error(), path, "%s: it says which file", what)
	after, readErr := os.ReadFile(path)
	require.NoError(t, readErr)
	require.True(t, bytes.Equal(raw, after), "%s: a file that is refused is not changed", what)
	return err
}

// damaged is a sound database, to be opened with one thing wrong.
type damaged struct {
	raw  []byte
	want map[string]string
	page int
	mark int // of both meta pages the higher: what is used ends there
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	d := &damaged{raw: filled(t, 30)}
	path := filepath.Join(t.TempDir(), "keys.db")
	require.NoError(t, os.WriteFile(path, d.raw, 0o600))
	s, err := OpenStore(path, Unlock{Key: &secret.Key32{1}}, entropy.Stream(3, "damaged"))
	require.NoError(t, err)
	d.want = content(t, s)
	require.NoError(t, s.Close())
	d.page = int(binary.NativeEndian.Uint32(d.raw[24:]))
	for n := range 2 {
		d.mark = max(d.mark, d.page*int(binary.NativeEndian.Uint64(d.raw[n*d.page+16+40:])))
	}
	require.Greater(t, d.mark, 8*d.page, "several pages")

	for name, test := range map[string]func(*testing.T, opener){
		"truncated": d.truncated, "bits": d.bits, "bits that steer": d.steeringBits, "sectors": d.sectors, "another file": otherFile,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.db")
			test(t, func(raw []byte, what string) error { return openDamaged(t, path, raw, d.want, what) })
		})
	}
}

// opener is openDamaged with other bytes.
type opener func(raw []byte, what string) error

// flip opens it with one bit flipped.
func (d *damaged) flip(open opener, bit int) (refused bool) {
	bad := bytes.Clone(d.raw)
	bad[bit/8] ^= 1 << (bit % 8)
	return open(bad, fmt.Sprintf("bit %d of byte %d", bit%8, bit/8)) != nil
}

// truncated opens every length near a page, and those of the beginning.
func (d *damaged) truncated(t *testing.T, open opener) {
	lengths := map[int]bool{}
	for at := 0; at <= len(d.raw); at += d.page {
		for _, n := range []int{at - 1, at, at + 1, at + d.page/2} {
			if n >= 0 && n < len(d.raw) {
				lengths[n] = true
			}
		}
	}
	for n := range 200 {
		lengths[n] = true
	}
	refused := 0
	for n := range lengths {
		err := open(d.raw[:n], fmt.Sprintf("%d bytes", n))
		if n < d.mark {
			require.ErrorIs(t, err, ErrDamaged, "%d bytes of %d", n, d.mark)
			refused++
		}
	}
	require.Greater(t, refused, 200)
}

// bits opens it with any bit flipped.
func (d *damaged) bits(t *testing.T, open opener) {
	r := rand.New(rand.NewPCG(1, 2))
	refused, flips := 0, 1500
	for range flips {
		if d.flip(open, r.IntN(8*d.mark)) {
			refused++
		}
	}
	require.Greater(t, refused, flips/4)
	require.Less(t, refused, flips, "a bit in a free page is nobody's")
}

// steeringBits opens it with a bit flipped where that steers: each of the names of the parts, of
// the meta pages and of the header of each page.
func (d *damaged) steeringBits(t *testing.T, open opener) {
	for _, name := range [][]byte{bucketSums, bucketObjects, bucketOwned} {
		for at := 0; at < d.mark; at++ {
			if bytes.HasPrefix(d.raw[at:], name) {
				for bit := range 8 * len(name) {
					d.flip(open, 8*at+bit)
				}
			}
		}
	}
	for at := 0; at < d.mark; at += d.page {
		for bit := range 8 * 16 {
			d.flip(open, 8*at+bit)
		}
	}
	for n := range 2 {
		for bit := range 8 * 80 {
			d.flip(open, 8*n*d.page+bit)
		}
	}
}

// sectors opens it with a sector that is blank or another one.
func (d *damaged) sectors(t *testing.T, open opener) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 200 {
		bad := bytes.Clone(d.raw)
		at := 512 * r.IntN(d.mark/512)
		switch other := 512 * r.IntN(d.mark/512); n % 3 {
		case 0:
			clear(bad[at : at+512])
		case 1:
			copy(bad[at:at+512], bad[other:other+512]) // a misplaced write
		case 2:
			copy(bad[at/d.page*d.page:][:d.page], bad[other/d.page*d.page:][:d.page])
		}
		_ = open(bad, fmt.Sprintf("sector at byte %d, way %d", at, n%3))
	}
}

// otherFile opens what is no database.
func otherFile(t *testing.T, open opener) {
	for _, other := range [][]byte{{}, []byte("garbage"), bytes.Repeat([]byte("garbage "), 4096), make([]byte, 1<<16)} {
		require.ErrorIs(t, open(other, "another file"), ErrDamaged)
	}
}

// An index that lost an entry, and a record that is an older one of the same object,
// are sound for bbolt: the checks find them.
func TestAnAlteredDatabaseIsRefusedWhenItIsOpened(t *testing.T) {
	for name, alter := range map[string]func(tx *bbolt.Tx) error{
		"an index": func(tx *bbolt.Tx) error {
			k, _ := tx.Bucket(bucketOwned).Cursor().First()
			return tx.Bucket(bucketOwned).Delete(k)
		},
		"one object less": func(tx *bbolt.Tx) error {
			k, _ := tx.Bucket(bucketObjects).Cursor().First()
			return tx.Bucket(bucketObjects).Delete(k)
		},
		"an attribute": func(tx *bbolt.Tx) error {
			k, v := tx.Bucket(bucketObjects).Cursor().First()
			o, err := decode(&ttlv.Decoder{}, bytes.Clone(v))
			if err != nil {
				return err
			}
			o.set(kmip.DateOf(kmip.AttrActivationDate, time.Unix(5, 0)))
			return tx.Bucket(bucketObjects).Put(k, o.encode())
		},
		"a count":           func(tx *bbolt.Tx) error { return putLiving(tx, identity{1}, 4) },
		"a count of nobody": func(tx *bbolt.Tx) error { return putLiving(tx, identity{9}, 1) },
		"no counts":         func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketLiving) },
		"who the server is": func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyServer, make([]byte, 8)) },
		"an old sequence":   func(tx *bbolt.Tx) error { return tx.Bucket(bucketOwned).SetSequence(1) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.db")
			require.NoError(t, os.WriteFile(path, filled(t, 4), 0o600))
			db, err := bbolt.Open(path, 0o600, nil)
			require.NoError(t, err)
			require.NoError(t, db.Update(alter))
			require.NoError(t, db.Close())
			_, err = OpenStore(path, Unlock{Key: &secret.Key32{1}}, entropy.Stream(3, "damaged"))
			require.ErrorIs(t, err, ErrDamaged)
		})
	}
}

// A database of form 3 has no stamps, one of form 3 or 4 no counts. It is brought to the form of today
// when it is opened, and its content stays.
func TestADatabaseWithoutStampsOrCountsIsCarriedOver(t *testing.T) {
	u := Unlock{Key: &secret.Key32{1}}
	for form, good := range map[byte]bool{3: true, 4: true, databaseForm: false, databaseForm + 1: false} {
		path := filepath.Join(t.TempDir(), "keys.db")
		require.NoError(t, os.WriteFile(path, filled(t, 6), 0o600))
		s, err := OpenStore(path, u, entropy.Stream(3, "older"))
		require.NoError(t, err)
		today := content(t, s)
		require.NoError(t, s.db.Update(func(tx *bbolt.Tx) error {
			return errors.Join(tx.DeleteBucket(bucketLiving), s.putChecked(tx, bucketMeta, keyForm, []byte{form}))
		}))
		require.NotEqual(t, today, content(t, s))
		require.NoError(t, s.Close())
		s, err = OpenStore(path, u, entropy.Stream(3, "older"))
		if !good {
			require.Error(t, err, "form %d", form)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, today, content(t, s))
		require.NoError(t, s.Close())
	}
}

// A database of form 2 is brought to the form of today when it is opened, one from before there
// were checks too; a damaged one is refused as ever.
func TestAnOlderDatabaseIsBroughtToTheFormOfToday(t *testing.T) {
	u := Unlock{Key: &secret.Key32{1}}
	path := filepath.Join(t.TempDir(), "keys.db")
	for name, alter := range map[string]func(s *Store, tx *bbolt.Tx) error{
		"with checks":            func(*Store, *bbolt.Tx) error { return nil },
		"from before the checks": func(_ *Store, tx *bbolt.Tx) error { return tx.DeleteBucket(bucketSums) },
		"damaged": func(_ *Store, tx *bbolt.Tx) error {
			k, v := tx.Bucket(bucketObjects).Cursor().First()
			bad := bytes.Clone(v)
			bad[len(bad)-1] ^= 1
			return tx.Bucket(bucketObjects).Put(k, bad)
		},
		"with a part too many": func(_ *Store, tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, filled(t, 4), 0o600))
			s, err := OpenStore(path, u, entropy.Stream(3, "older"))
			require.NoError(t, err)
			want, err := Dump(s)
			require.NoError(t, err)
			require.NoError(t, s.db.Update(func(tx *bbolt.Tx) error {
				pending, err := tx.CreateBucket(bucketPending)
				k, _ := tx.Bucket(bucketObjects).Cursor().First()
				err = errors.Join(err, tx.DeleteBucket(bucketLiving), pending.Put(append(make([]byte, 8), k...), nil), s.putChecked(tx, bucketMeta, keyForm, []byte{2}))
				for _, k := range []string{"peer", "heard", "sent"} {
					err = errors.Join(err, s.putChecked(tx, bucketMeta, []byte(k), []byte("12345678")))
				}
				return errors.Join(err, alter(s, tx))
			}))
			require.NoError(t, s.Close())
			for range 2 {
				s, err := OpenStore(path, u, entropy.Stream(3, "older"))
				if name == "damaged" || name == "with a part too many" {
					require.ErrorIs(t, err, ErrDamaged)
					return
				}
				require.NoError(t, err)
				have, err := Dump(s)
				require.NoError(t, err)
				require.Equal(t, want, have)
				all := fmt.Sprint(content(t, s))
				require.Contains(t, all, "sums ")
				require.NotContains(t, all, "pending")
				require.NotContains(t, all, "12345678")
				require.NoError(t, s.Close())
			}
		})
	}
}

// FuzzStructure: no file makes the check panic, or run on.
func FuzzStructure(f *testing.F) {
	raw := filled(f, 3)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add(raw[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &structure{f: bytes.NewReader(b), size: int64(len(b)), met: map[uint64]bool{0: true, 1: true}}
		if err := s.check(); err != nil {
			require.NotContains(t, err.Error(), "\n")
		}
		// The checksums of the meta pages keep the search out: here is the way past them.
		s = &structure{f: bytes.NewReader(b), pageSize: 512, size: int64(len(b)), mark: uint64(len(b) / 512), met: map[uint64]bool{}}
		_ = s.tree(2, nil, nil)
		_ = s.freeList(3)
	})
}
