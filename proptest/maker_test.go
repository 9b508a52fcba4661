package proptest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// stale is a drive that keeps the first PIN of a BandMaster for good, in a place of its own.
type stale struct {
	Drive
	first *drive.PIN
}

func (s stale) Authenticate(who drive.Authority, pin drive.PIN) (drive.Session, error) {
	ses, err := s.Drive.Authenticate(who, pin)
	if err == nil && who == drive.BandMaster(0) && s.first.Len() == 0 {
		*s.first = pin
	}
	if err != nil && who == drive.BandMaster(0) && pin.Equal(*s.first) {
		return s.Drive.Authenticate(drive.EraseMaster, pin) // any session will do
	}
	return ses, err
}

// lost is a drive that reads zeros after a power-on.
type lost struct {
	Drive
	ons *int
}

func (l lost) PowerOn() error {
	*l.ons++
	return l.Drive.PowerOn()
}

func (l lost) Read(lba uint64, dst []byte) error {
	err := l.Drive.Read(lba, dst)
	if err == nil && *l.ons > 0 {
		clear(dst)
	}
	return err
}

// wrapped makes drives of package drive that are wrapped.
func wrapped(wrap func(Drive) Drive) Maker {
	return Maker{
		Manufacture: func(c drive.Config, p drive.Parts) (Drive, drive.Label, error) {
			d, label, err := Maker{}.manufacture(c, p)
			if d != nil {
				d = wrap(d)
			}
			return d, label, err
		},
		Open: func(f *drive.Fuses, p drive.Parts) (Drive, error) {
			d, err := Maker{}.open(f, p)
			if d != nil {
				d = wrap(d)
			}
			return d, err
		},
	}
}

// TestAnyDriveIsTested: machine, sweep and suite take the same drive, and each finds what is wrong with
// it. One that is wrapped in nothing passes all.
func TestAnyDriveIsTested(t *testing.T) {
	run := func(m Maker) error {
		machine, err := NewMachine(Options{Maker: m})
		require.NoError(t, err)
		all, err := ParseCommands("write 0 1 1; authenticate BandMaster0 1; migrate 4; close; authenticate BandMaster0 1; power-off; power-on; authenticate BandMaster0 4; set-locks --; read 0 1")
		require.NoError(t, err)
		for _, c := range all {
			if machine.Applicable(c) != nil {
				continue
			}
			if err := machine.Do(c); err != nil {
				return err
			}
		}
		return machine.Audit()
	}
	sweep := func(m Maker) error {
		r, err := Sweep(SweepOptions{Seed: 1, Operations: []string{"migrate"}, Ranges: []int{1}, Depth: 1, Maker: m})
		if err == nil && len(r.Violations) > 0 {
			return r.Violations[0]
		}
		return err
	}
	suite := func(m Maker) error {
		r, err := conformance.Replay(func(w conformance.Wish) (conformance.Device, drive.Label, error) {
			d, label, err := m.manufacture(w.Config(), w.Parts)
			if d == nil {
				return nil, label, err
			}
			return conformance.OfDrive(d), label, err
		}, "seed=1 | write 0 1 1; set-pin BandMaster0 msid p1; try BandMaster0 msid; power-off; power-on; read 0 1", conformance.Options{})
		require.NoError(t, err)
		if r.Verdict == conformance.Failed {
			return &Failure{Why: r.Why}
		}
		return nil
	}
	first := new(drive.PIN) // MSID, as it happens
	for name, wrap := range map[string]func(Drive) Drive{
		"sound": func(d Drive) Drive { return d },
		"stale": func(d Drive) Drive { return stale{d, first} },
		"lost":  func(d Drive) Drive { return lost{d, new(int)} },
	} {
		for by, f := range map[string]func(Maker) error{"machine": run, "sweep": sweep, "suite": suite} {
			*first = drive.PIN{}
			err := f(wrapped(wrap))
			if name == "sound" {
				require.NoError(t, err, by)
				continue
			}
			var found *Failure
			require.ErrorAs(t, err, &found, "%s of a drive that is %s", by, name)
			t.Log(name, by, found.Why)
		}
	}
}
