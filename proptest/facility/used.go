package facility

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// An outsider with the factory PIN and a drive on a bench, or a cable to its port, can do what an
// owner does: set places, locks and PINs.

// tampers are the things that an outsider does to a drive. Each is done as far as the drive allows.
var tampers = map[string]func(p *raslab.Part){
	// Band 1 gets a place over the sectors that the tests write.
	"place": func(p *raslab.Part) {
		withMSID(p, drive.BandMaster(1), func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{Length: sectors, LockOnReset: drive.OnPowerCycle})
		})
	},
	"lock": func(p *raslab.Part) {
		withMSID(p, drive.BandMaster(0), func(s drive.Session) error {
			err := s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle})
			if err != nil {
				return err
			}
			return s.SetLocks(true, true)
		})
	},
	"lock-band": func(p *raslab.Part) {
		withMSID(p, drive.BandMaster(1), func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{Start: 2, Length: 2, ReadLockEnabled: true, WriteLockEnabled: true})
		})
	},
	"own-sid":         func(p *raslab.Part) { own(p, drive.SID) },
	"own-erasemaster": func(p *raslab.Part) { own(p, drive.EraseMaster) },
	"own-band":        func(p *raslab.Part) { own(p, drive.BandMaster(1)) },
	"own":             func(p *raslab.Part) { own(p, drive.BandMaster(0)) },
	"guess":           func(p *raslab.Part) { guess(p, drive.BandMaster(0), 20) },
	"guess-band":      func(p *raslab.Part) { guess(p, drive.BandMaster(1), 20) },
	"guess-erase":     func(p *raslab.Part) { guess(p, drive.EraseMaster, 20) },
	// The EraseMaster of a member has the factory PIN, so this is possible at any time.
	"erase-band": func(p *raslab.Part) {
		withMSID(p, drive.EraseMaster, func(s drive.Session) error { return s.Erase(1) })
	},
	"erase-data": func(p *raslab.Part) {
		withMSID(p, drive.EraseMaster, func(s drive.Session) error { return s.Erase(0) })
	},
}

var tamperNames = []string{
	"place", "lock", "lock-band", "own-sid", "own-erasemaster", "own-band", "own", "guess", "guess-band", "guess-erase", "erase-band", "erase-data",
}

func withMSID(p *raslab.Part, a drive.Authority, run func(drive.Session) error) {
	s, err := p.Drive.Authenticate(a, p.Label.MSID)
	if err != nil {
		return
	}
	defer s.Close()
	_ = run(s) // the drive may refuse; what it is then is checked
}

func strangersPIN() drive.PIN {
	pin, err := drive.NewPIN([]byte("a PIN of somebody else, 32 bytes"))
	if err != nil {
		panic("BUG: facility: " + err.Error())
	}
	return pin
}

func own(p *raslab.Part, a drive.Authority) {
	withMSID(p, a, func(s drive.Session) error { return s.SetPIN(strangersPIN()) })
}

func guess(p *raslab.Part, a drive.Authority, times int) {
	for range times {
		if s, err := p.Drive.Authenticate(a, p.Label.PSID); err == nil {
			s.Close()
		}
	}
}

// outsiderDoes tampers with the drive in a slot.
func (m *Machine) outsiderDoes(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		for _, what := range strings.Split(a[1], "+") {
			tampers[what](p)
		}
	})
}

// used gets a spare part that an outsider had before. It is then the last one on the shelf.
func (m *Machine) used(a []string) error {
	p, err := m.Lab.OrderSpare()
	if err != nil {
		return m.refusal(err)
	}
	if err := p.Drive.PowerOn(); err != nil {
		return m.refusal(err)
	}
	m.history.add(p.Serial(), kindOutsider)
	for _, what := range strings.Split(a[0], "+") {
		tampers[what](p)
	}
	p.Drive.PowerOff()
	m.neverSeated[p.Serial()] = true
	return nil
}

// tamperings is one or more names of tampers, joined with +.
var tamperings = argument{name: "DOES", wants: func(_ *Machine, word string) string {
	for _, what := range strings.Split(word, "+") {
		if tampers[what] == nil {
			return "some of " + strings.Join(tamperNames, ", ") + ", joined with +"
		}
	}
	return ""
}}

// drawTampering draws one or two of them.
func drawTampering(t *rapid.T) string {
	does := rapid.SampledFrom(tamperNames).Draw(t, "does")
	if rapid.Bool().Draw(t, "and more") {
		does += "+" + rapid.SampledFrom(tamperNames).Draw(t, "also")
	}
	return does
}

// usedPart puts a used drive into a slot in a repair.
func (m *Machine) usedPart(t *rapid.T) {
	slot := m.DrawSlot(t)
	m.Must(t, "used "+drawTampering(t))
	parts := m.Lab.Shelf().Parts()
	serial := parts[len(parts)-1].Serial()
	m.Must(t, "repair "+slot)
	m.Must(t, "exchange "+slot+" "+serial)
	m.Must(t, "resume "+slot)
}

func (m *Machine) outsiderAction(t *rapid.T) {
	m.Must(t, fmt.Sprintf("outsider %s %s", m.DrawSlot(t), drawTampering(t)))
}
