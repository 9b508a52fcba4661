package conformance

import (
	"bytes"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/proptest"
)

func f01NoKeyWithoutTheCredential(s *suite) {
	r := s.drive(nil)
	r.own(0, credential(1))
	r.put(3, 1)
	r.PowerOff()
	r.closed(3, 1, credential(1))
	require.NoError(s, r.PowerOn())
	r.unreadable(3, 1, "a locked range gives nothing")
}

func f02NoKeyInAnySecurityMode(s *suite) {
	short := pin("4711")
	for name, mode := range map[string]struct {
		n      int
		pin    drive.PIN
		config drive.RangeConfig
		lock   bool
	}{
		"read lock only":               {0, credential(1), drive.RangeConfig{ReadLockEnabled: true, LockOnReset: drive.OnPowerCycle}, false},
		"write lock only":              {0, credential(1), drive.RangeConfig{WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}, false},
		"locked by hand, not by power": {0, credential(1), drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}, true},
		"a band":                       {1, credential(1), drive.RangeConfig{Start: 0, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}, false},
		"a short PIN":                  {0, short, drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}, false},
	} {
		r := s.drive(nil)
		r.must(drive.BandMaster(mode.n), r.label.MSID, func(ses drive.Session) error {
			return errors.Join(ses.SetPIN(mode.pin), ses.SetRange(mode.config))
		})
		r.put(3, 1)
		if mode.lock {
			r.must(drive.BandMaster(mode.n), mode.pin, func(ses drive.Session) error { return ses.SetLocks(true, true) })
		}
		r.PowerOff()
		dump := r.Dump()
		require.Empty(s, r.thief(dump, r.oracle(dump, 3, 1), false).Keys, "%s: no key without the PIN", name)
		require.NoError(s, r.PowerOn())
		r.unreadable(3, 1, name+": locked after power came back")
		r.must(drive.BandMaster(mode.n), mode.pin, drive.Session.Unlock)
		r.readable(3, 1, name+": its PIN opens it")
	}
}

func f03PINChangeLeavesNoOldWrap(s *suite) {
	for _, plan := range []string{"", "(flash.erase.refused)", "(flash.erase.torn)", "(flash.program.torn (OnIndex 0))"} {
		r := s.drive(nil)
		r.put(3, 1)
		r.own(0, credential(1))
		if plan != "" {
			r.arm(plan)
		}
		r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetPIN(credential(2)) })
		if plan != "" {
			require.True(s, r.fired(), "%s broke something", plan)
		}
		r.closed(3, 1, credential(2), credential(1))
	}
}

func f04EraseLeavesNoOldWrap(s *suite) {
	for name, erase := range map[string]func(*rig) error{
		"erase": func(r *rig) error {
			return r.as(drive.EraseMaster, r.label.MSID, func(ses drive.Session) error { return ses.Erase(0) })
		},
		"erase all": func(r *rig) error {
			return r.as(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll)
		},
		"genkey": func(r *rig) error {
			return r.as(drive.BandMaster(0), credential(1), drive.Session.GenKey)
		},
		"psid revert": func(r *rig) error { return r.RevertPSID(r.label.PSID) },
	} {
		for _, plan := range []string{"", "(flash.erase.refused)"} {
			r := s.drive(nil)
			r.own(0, credential(1))
			r.put(3, 1)
			if plan != "" {
				r.arm(plan)
			}
			require.NoError(s, erase(r), name)
			dump := r.Dump()
			require.Empty(s, r.thief(dump, r.oracle(dump, 3, 1), false, credential(1)).Keys,
				"%s %s: nobody finds the old key, with every secret that ever was", name, plan)
		}
	}
}

func f05NoWrapOpensWithAConstant(s *suite) {
	r := s.drive(nil)
	check := func(when string) {
		s.Helper()
		dump := r.Dump()
		require.Empty(s, weak(r.thief(dump, r.oracle(dump, 3, 1), false)), "%s: no wrap opens without a secret", when)
	}
	r.put(3, 1)
	check("from the factory")
	r.own(0, credential(1))
	check("owned")
	r.must(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll)
	check("erased")
	var zeros [32]byte
	zero, err := drive.NewPIN(zeros[:])
	require.NoError(s, err)
	for _, a := range []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.BandMaster(2)} {
		require.ErrorIs(s, r.as(a, drive.PIN{}, nothing), drive.InvalidParameter, "%v: there is no empty PIN", a)
		r.refused(a, zero, "zeros are nobody's PIN")
		r.must(a, r.label.MSID, func(ses drive.Session) error {
			require.ErrorIs(s, ses.SetPIN(drive.PIN{}), drive.InvalidParameter, "%v cannot take an empty PIN", a)
			return nil
		})
	}
	require.ErrorIs(s, r.RevertPSID(drive.PIN{}), drive.InvalidParameter, "there is no empty PSID")
}

func weak(f forensic.Findings) []forensic.Finding { return f.Weak() }

func f06StorageAloneOpensNothing(s *suite) {
	r := s.drive(func(c *drive.Config) { c.Ranges = 0 })
	for _, a := range []drive.Authority{drive.SID, drive.EraseMaster} {
		r.must(a, r.label.MSID, func(ses drive.Session) error { return ses.SetPIN(credential(9)) })
	}
	r.own(0, credential(1))
	r.put(3, 1)
	r.PowerOff()
	dump := r.Dump()
	o := r.oracle(dump, 3, 1)
	fuses := r.Fuses()
	for name, secrets := range map[string][]forensic.Secret{
		"the flash alone":            nil,
		"the flash and the root key": {forensic.Root(fuses.Root)},
	} {
		f, err := forensic.Search(dump, secrets, []forensic.Oracle{o}, forensic.Options{Deep: secrets == nil, Iterations: r.cfg.PBKDF2Iterations})
		require.NoError(s, err)
		require.Empty(s, f.Keys, "%s: nothing in the drive opens the locked range", name)
	}
}

func f07StateIsNoSubstituteForTheKey(s *suite) {
	const header, slotSize, flagsAt = 40, 64, 16
	for name, change := range map[string]func(record []byte){
		"the lock flags cleared": func(b []byte) { b[header+5*slotSize+flagsAt], b[header+5*slotSize+flagsAt+1] = 0, 1 },
		"the state is Erased":    func(b []byte) { b[14] = byte(drive.Erased) },
		"the PINs are said to be MSID, the locks off, the state Erased": func(b []byte) {
			b[14] = byte(drive.Erased)
			for i := range 5 {
				b[header+i*slotSize+4] = 1
			}
			b[header+5*slotSize+flagsAt], b[header+5*slotSize+flagsAt+1] = 0, 1
		},
	} {
		r := s.drive(nil)
		r.own(0, credential(1))
		r.put(3, 1)
		r.PowerOff()
		r.mem.PowerOn()
		done, err := proptest.TamperRecord(r.mem, change)
		require.NoError(s, err)
		require.True(s, done, "there is a record to change")
		r.mem.PowerOff()
		require.NoError(s, r.PowerOn())
		r.unreadable(3, 1, name+": flags are not keys")
		r.refused(drive.BandMaster(0), r.label.MSID, name+": MSID is not the PIN")
		for n := range 2 {
			require.NoError(s, r.Reset(drive.ResetKind(n+1)))
			r.unreadable(3, 1, name+": nor after a reset")
		}
	}
}

func f08RangesHaveTheirOwnKeys(s *suite) {
	r := s.drive(nil)
	r.place(1, r.label.MSID, 8, 8)
	r.place(2, r.label.MSID, 16, 8)
	for lba, n := range map[uint64]byte{0: 1, 8: 2, 16: 3} {
		r.put(lba, n)
	}
	r.own(2, credential(2))
	r.must(drive.EraseMaster, r.label.MSID, func(ses drive.Session) error { return ses.Erase(1) })
	r.unreadable(8, 2, "the erased range is gone")
	r.readable(0, 1, "the global range is not")
	r.readable(16, 3, "nor is the other band")
	r.cycle()
	r.readable(0, 1, "also after a power cycle")
	r.must(drive.BandMaster(2), credential(2), drive.Session.Unlock)
	r.readable(16, 3, "the other band opens with its own PIN")

	r = s.drive(nil)
	r.place(1, r.label.MSID, 8, 8)
	r.put(8, 2)
	r.place(1, r.label.MSID, 32, 8)
	r.unreadable(8, 2, "the key of the global range does not open what a band wrote")
	r.place(1, r.label.MSID, 8, 8)
	r.readable(8, 2, "the band's own key does")
}

// source is a random source that breaks.
type source struct {
	io.Reader
	broken func([]byte) (int, error)
}

func (r *source) Read(p []byte) (int, error) {
	if r.broken != nil {
		return r.broken(p)
	}
	return r.Reader.Read(p)
}

func f09BrokenEntropyFailsClosed(s *suite) {
	faults := map[string]func([]byte) (int, error){
		"dead":            func([]byte) (int, error) { return 0, errors.New("ring oscillator stopped") },
		"zeros":           func(p []byte) (int, error) { clear(p); return len(p), nil },
		"stuck at a byte": func(p []byte) (int, error) { copy(p, bytes.Repeat([]byte{0xA5}, len(p))); return len(p), nil },
		"ends":            func([]byte) (int, error) { return 0, io.EOF },
	}
	for name, broken := range faults {
		_, err := s.driveOf(&source{broken: broken}, nil, nil)
		require.Error(s, err, "%s: no drive is made of it", name)
		for op, f := range map[string]func(*rig) error{
			"genkey": func(r *rig) error { return r.as(drive.BandMaster(0), credential(1), drive.Session.GenKey) },
			"set pin": func(r *rig) error {
				return r.as(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetPIN(credential(2)) })
			},
			"erase":  func(r *rig) error { return r.as(drive.EraseMaster, r.label.MSID, drive.Session.EraseAll) },
			"revert": func(r *rig) error { return r.RevertPSID(r.label.PSID) },
		} {
			random := &source{Reader: entropy.Stream(1, "conformance")}
			r, err := s.driveOf(random, nil, nil)
			require.NoError(s, err)
			r.own(0, credential(1))
			r.put(3, 1)
			random.broken = broken
			require.ErrorIs(s, f(r), drive.EntropyFailure, "%s, %s: no key is made", name, op)
			r.readable(3, 1, name+", "+op+": nothing changed")
			r.must(drive.BandMaster(0), credential(1), nothing)
		}
	}
	for _, states := range []int{16, 32 * 8, 32 * 255} {
		f09FewStates(s, states)
	}
}

// f09FewStates: a generator that repeats is detected, in its third period at the latest, and no
// media key comes twice in a row.
func f09FewStates(s *suite, states int) {
	few := make([]byte, states)
	_, _ = io.ReadFull(entropy.Stream(4, "few"), few)
	at := 0
	random := &source{Reader: entropy.Stream(1, "conformance")}
	r, err := s.driveOf(random, nil, nil)
	require.NoError(s, err)
	random.broken = func(p []byte) (int, error) {
		for i := range p {
			p[i] = few[at%len(few)]
			at++
		}
		return len(p), nil
	}
	last := ""
	for range 1000 {
		if err = r.as(drive.BandMaster(0), r.label.MSID, drive.Session.GenKey); err != nil {
			break
		}
		r.put(3, 1)
		c, _ := r.Dump().Sector(3)
		require.NotEqual(s, last, string(c), "a media key came twice in a row")
		last = string(c)
	}
	require.ErrorIs(s, err, drive.EntropyFailure, "a source that repeats after %d bytes is detected", states)
}

func f10EqualPlaintextDiffersEverywhere(s *suite) {
	for _, size := range []int{512, 4096} {
		r := s.drive(func(c *drive.Config) { c.SectorSize = size })
		seen := map[[16]byte]uint64{}
		zeros := make([]byte, size)
		for _, lba := range []uint64{0, 1, 2, 3, 255, 256, 1 << 16, 1 << 24, 1 << 32, 1<<32 + 1, 1 << 39} {
			require.NoError(s, r.Write(lba, zeros))
			c, _ := r.Dump().Sector(lba)
			for at := 0; at < size; at += 16 {
				block := [16]byte(c[at:])
				other, again := seen[block]
				require.False(s, again, "equal plaintext gives equal ciphertext in sectors %d and %d", other, lba)
				seen[block] = lba
			}
		}
	}
}

func f11ShortPINIsStretchedAndBoundToTheDrive(s *suite) {
	const iterations = 1000
	short := pin("4711")
	r := s.drive(func(c *drive.Config) { c.PBKDF2Iterations = iterations; c.Ranges = 0 })
	r.must(drive.BandMaster(0), r.label.MSID, func(ses drive.Session) error {
		return errors.Join(ses.SetPIN(short), ses.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
	})
	r.put(3, 1)
	r.PowerOff()
	dump := r.Dump()
	o := r.oracle(dump, 3, 1)
	fuses := r.Fuses()
	guess := func(rounds int, secrets ...forensic.Secret) int {
		f, err := forensic.Search(dump, append(secrets, forensic.PIN("short PIN", short)), []forensic.Oracle{o}, forensic.Options{
			// The derivation, written down a second time as an attacker would.
			KDF: func(root *secret.Key32, p drive.PIN, salt [16]byte) (*secret.Key32, error) {
				half := p.Bytes()
				if len(half) == 0 {
					return nil, errors.New("no PIN")
				}
				if len(half) < 32 {
					var err error
					if half, err = pbkdf2.Key(sha256.New, string(half), salt[:], rounds, 32); err != nil {
						return nil, err
					}
				}
				k, err := hkdf.Key(sha256.New, append(append([]byte(nil), root[:]...), half...), salt[:], "fdelab/kek/1", 32)
				if err != nil {
					return nil, err
				}
				return secret.Take32(k), nil
			},
		})
		require.NoError(s, err)
		return len(f.Keys)
	}
	require.Zero(s, guess(1, forensic.Root(fuses.Root)), "an unstretched guess opens nothing")
	require.Zero(s, guess(iterations), "without the chip's root key the right PIN opens nothing")
	require.NotZero(s, guess(iterations, forensic.Root(fuses.Root)), "with both and all the work it opens")
}

func f18PINChangeKeepsTheData(s *suite) {
	r := s.drive(nil)
	r.put(3, 1)
	r.own(0, credential(1))
	r.readable(3, 1, "migration keeps the data")
	r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetPIN(credential(2)) })
	r.readable(3, 1, "so does a PIN change")
	r.cycle()
	r.must(drive.BandMaster(0), credential(2), drive.Session.Unlock)
	r.readable(3, 1, "also after a power cycle")
}

func f19NewPINUnlocksAfterPowerCycle(s *suite) {
	r := s.drive(nil)
	r.own(0, credential(1))
	r.put(3, 1)
	for n := byte(1); n < 12; n++ {
		r.must(drive.BandMaster(0), credential(n), func(ses drive.Session) error { return ses.SetPIN(credential(n + 1)) })
		r.cycle()
		r.refused(drive.BandMaster(0), credential(n), "the old PIN is not the PIN")
		r.must(drive.BandMaster(0), credential(n+1), drive.Session.Unlock)
		r.readable(3, 1, "the new PIN unlocks")
	}
}

// tripwire is flash that ends the test after too many operations.
type tripwire struct {
	flash.Device
	left int
}

func (w *tripwire) step() {
	if w.left--; w.left < 0 {
		panic("the drive does not stop working on its flash")
	}
}

func (w *tripwire) Erase(b int) error                { w.step(); return w.Device.Erase(b) }
func (w *tripwire) Zero(b, p int) error              { w.step(); return w.Device.Zero(b, p) }
func (w *tripwire) Program(b, p int, d []byte) error { w.step(); return w.Device.Program(b, p, d) }
