package conformance

import (
	"bytes"
	"reflect"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// f24KeysLeaveRAM unwraps the media key from the dump and finds the places in the memory of the
// process where the drive holds it. It looks there again once the key should be gone.
func f24KeysLeaveRAM(s *suite) {
	for name, end := range map[string]func(*rig){
		"power-off": func(r *rig) { r.PowerOff() },
		"locking both directions": func(r *rig) {
			r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetLocks(true, true) })
		},
		"erase": func(r *rig) { r.must(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll) },
		"a reset that locks": func(r *rig) {
			r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error {
				return ses.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle | drive.OnHardware})
			})
			require.NoError(s, r.Reset(drive.HardwareReset))
		},
	} {
		r := s.drive(func(c *drive.Config) { c.Ranges = 0 })
		r.own(0, credential(1))
		r.put(3, 1)
		key := mediaKey(s, r)
		places := holding(r.Subject, key)
		require.NotEmpty(s, places, "the key of a range in use is in RAM")
		end(r)
		for _, p := range places {
			require.False(s, bytes.Equal(key[:32], p[:32]) || bytes.Equal(key[32:], p[32:]), "after %s the key is gone from its place", name)
		}
		require.Empty(s, holding(r.Subject, key), "after %s it lies nowhere else", name)
	}
}

// mediaKey is the key of the global range, 64 bytes, unwrapped from the dump with credential 1 of
// BandMaster0.
func mediaKey(s *suite, r *rig) []byte {
	s.Helper()
	fuses := r.Fuses()
	for _, p := range r.Dump().Flash {
		for at := 0; at+56 <= len(p.Data); at += 8 {
			kek, err := drive.KEK(fuses.Root, credential(1), [16]byte(p.Data[at:]), r.cfg.PBKDF2Iterations)
			require.NoError(s, err)
			ak, err := keywrap.Unwrap(kek[:], p.Data[at+16:at+56])
			if err != nil {
				continue
			}
			for at := 0; at+72 <= len(p.Data); at += 8 {
				if mek, err := keywrap.Unwrap(ak, p.Data[at:at+72]); err == nil {
					return mek
				}
			}
		}
	}
	require.Fail(s, "the owner does not find the media key in the dump")
	return nil
}

// holding lists the arrays and slices reachable from a drive that hold the key.
func holding(d Subject, key []byte) [][]byte {
	w := walker{key: key, seen: map[unsafe.Pointer]bool{}}
	w.walk(reflect.ValueOf(d))
	return w.found
}

type walker struct {
	key   []byte
	seen  map[unsafe.Pointer]bool
	found [][]byte
}

func (w *walker) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !w.seen[v.UnsafePointer()] {
			w.seen[v.UnsafePointer()] = true
			w.walk(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.walk(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if v.Len() == 0 {
			return
		}
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				w.walk(v.Index(i))
			}
			return
		}
		if !v.Index(0).CanAddr() {
			return // a copy in an interface
		}
		b := unsafe.Slice((*byte)(unsafe.Pointer(v.Index(0).UnsafeAddr())), v.Len())
		if at := bytes.Index(b, w.key); at >= 0 {
			w.found = append(w.found, b[at:at+len(w.key)])
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			w.walk(it.Value())
		}
	}
}
