package facility

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Who has a drive on a bench, or a cable to its port, and the factory PIN, can do with it what
// an owner does: places, locks and PINs.

// hands are the things that somebody does to a drive. Each is done as far as the drive lets him.
var hands = map[string]func(p *raslab.Part){
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

var handNames = []string{
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

func stranger() drive.PIN {
	pin, err := drive.NewPIN([]byte("a PIN of somebody else, 32 bytes"))
	if err != nil {
		panic("BUG: facility: " + err.Error())
	}
	return pin
}

func own(p *raslab.Part, a drive.Authority) {
	withMSID(p, a, func(s drive.Session) error { return s.SetPIN(stranger()) })
}

func guess(p *raslab.Part, a drive.Authority, times int) {
	for range times {
		if s, err := p.Drive.Authenticate(a, p.Label.PSID); err == nil {
			s.Close()
		}
	}
}

// outsiderDoes: a cable to the drive in a slot.
func (m *Machine) outsiderDoes(a []string) error {
	return m.outsider(a[0], func(p *raslab.Part) {
		m.history.add(p.Serial(), kindOutsider)
		for _, what := range strings.Split(a[1], "+") {
			hands[what](p)
		}
	})
}

// used gets a spare part that somebody had before; it lies on the shelf then, the last there.
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
		hands[what](p)
	}
	p.Drive.PowerOff()
	m.strange[p.Serial()] = true
	return nil
}

// handsOn is one or more of the hands, joined with +.
var handsOn = argument{name: "DOES", wants: func(_ *Machine, word string) string {
	for _, what := range strings.Split(word, "+") {
		if hands[what] == nil {
			return "some of " + strings.Join(handNames, ", ") + ", joined with +"
		}
	}
	return ""
}}

// drawHands draws one or two of them.
func drawHands(t *rapid.T) string {
	does := rapid.SampledFrom(handNames).Draw(t, "does")
	if rapid.Bool().Draw(t, "and more") {
		does += "+" + rapid.SampledFrom(handNames).Draw(t, "also")
	}
	return does
}

// usedPart brings a used drive into a slot by a repair.
func (m *Machine) usedPart(t *rapid.T) {
	slot := m.DrawSlot(t)
	m.Must(t, "used "+drawHands(t))
	parts := m.Lab.Shelf().Parts()
	serial := parts[len(parts)-1].Serial()
	m.Must(t, "repair "+slot)
	m.Must(t, "exchange "+slot+" "+serial)
	m.Must(t, "resume "+slot)
}

func (m *Machine) outsiderAction(t *rapid.T) {
	m.Must(t, fmt.Sprintf("outsider %s %s", m.DrawSlot(t), drawHands(t)))
}
