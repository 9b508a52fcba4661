package conformance

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Simulated makes a simulated drive of package drive on the parts of a wish.
func Simulated(w Wish) (Device, drive.Label, error) {
	d, label, err := drive.Manufacture(w.Config(), w.Parts)
	if d == nil {
		return nil, label, err
	}
	return &simulated{SessionDevice: OfDrive(d), sanitizes: sanitizes{drive: d, next: w.Seed - 1}, d: d, parts: w.Parts}, label, err
}

// Opener is a drive that is used by sessions, as *drive.Drive is.
type Opener interface {
	Config() drive.Config
	PowerOn() error
	PowerOff()
	Reset(drive.ResetKind) error
	Authenticate(drive.Authority, drive.PIN) (drive.Session, error)
	RevertPSID(drive.PIN) error
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	MSID() (drive.PIN, error)
	Range(n int) (drive.RangeInfo, error)
	Tries(drive.Authority) (used, limit uint16, err error)
	Status() drive.Status
	AtMSID(drive.Authority) (bool, error)
	Dump() drive.Dump
	Fuses() *drive.Fuses
}

// OfDrive makes a Device of a drive that is used by sessions: each command opens one and closes it.
func OfDrive(d Opener) *SessionDevice { return &SessionDevice{d} }

// SessionDevice is a Device on a drive that is used by sessions.
type SessionDevice struct{ Opener }

// Identify asks the drive for its configuration.
func (s *SessionDevice) Identify() (Identity, error) {
	if !s.Status().Powered {
		return Identity{}, fmt.Errorf("identify: %w", drive.NoPower)
	}
	c := s.Config()
	return Identity{
		Maker: "simulated", Model: c.Model, Serial: c.Serial, SectorSize: c.SectorSize, Sectors: c.Sectors, Ranges: c.Ranges,
		TryLimit: c.TryLimit, Persistent: c.Persistent, Granularity: c.AlignmentGranularity,
	}, nil
}

// as runs f in a session of who.
func (s *SessionDevice) as(who drive.Authority, pin drive.PIN, f func(drive.Session) error) error {
	ses, err := s.Authenticate(who, pin)
	if err != nil {
		return err
	}
	defer ses.Close()
	return f(ses)
}

// Try opens a session and closes it.
func (s *SessionDevice) Try(who drive.Authority, pin drive.PIN) error {
	return s.as(who, pin, func(drive.Session) error { return nil })
}

// SetPIN implements Device.
func (s *SessionDevice) SetPIN(who drive.Authority, pin, to drive.PIN) error {
	return s.as(who, pin, func(ses drive.Session) error { return ses.SetPIN(to) })
}

// SetRange implements Device.
func (s *SessionDevice) SetRange(n int, pin drive.PIN, c drive.RangeConfig) error {
	return s.as(drive.BandMaster(n), pin, func(ses drive.Session) error { return ses.SetRange(c) })
}

// SetLocks implements Device.
func (s *SessionDevice) SetLocks(n int, pin drive.PIN, read, write bool) error {
	return s.as(drive.BandMaster(n), pin, func(ses drive.Session) error { return ses.SetLocks(read, write) })
}

// Erase implements Device.
func (s *SessionDevice) Erase(n int, pin drive.PIN) error {
	return s.as(drive.EraseMaster, pin, func(ses drive.Session) error { return ses.Erase(n) })
}

// Revert implements Device.
func (s *SessionDevice) Revert(psid drive.PIN) error { return s.RevertPSID(psid) }

// Flush has nothing to do: a write that was answered is on the media.
func (s *SessionDevice) Flush() error {
	if !s.Status().Powered {
		return fmt.Errorf("flush: %w", drive.NoPower)
	}
	return nil
}

// Migrate implements Migrator.
func (s *SessionDevice) Migrate(n int, pin, credential drive.PIN) error {
	return s.as(drive.BandMaster(n), pin, func(ses drive.Session) error { return ses.Migrate(credential) })
}

// GenKey implements KeyGenerator.
func (s *SessionDevice) GenKey(n int, pin drive.PIN) error {
	return s.as(drive.BandMaster(n), pin, drive.Session.GenKey)
}

// EraseAll implements WholeEraser.
func (s *SessionDevice) EraseAll(pin drive.PIN) error {
	return s.as(drive.EraseMaster, pin, drive.Session.EraseAll)
}

// Open implements Sessioner.
func (s *SessionDevice) Open(who drive.Authority, pin drive.PIN) (Session, error) {
	return s.Authenticate(who, pin)
}

// State implements StateReader.
func (s *SessionDevice) State() (drive.State, error) {
	st := s.Status()
	if !st.Powered {
		return st.State, fmt.Errorf("state: %w", drive.NoPower)
	}
	return st.State, nil
}

// Chip implements Opened: the root key.
func (s *SessionDevice) Chip() []forensic.Secret {
	return []forensic.Secret{forensic.Root(s.Fuses().Root)}
}

// Derivation implements Opened: that of package drive.
func (s *SessionDevice) Derivation() forensic.Options {
	return forensic.Options{Iterations: s.Config().PBKDF2Iterations}
}

// simulated is a drive of package drive.
type simulated struct {
	*SessionDevice
	sanitizes
	d     *drive.Drive
	parts drive.Parts
	seen  [][]byte // places in RAM that the drive had when it was last looked at
}

func (s *simulated) OnParts() bool    { return true }
func (s *simulated) Concurrent() bool { return true }

// RAM is every byte that can be reached from the drive, but for the chips around it. What could be
// reached before belongs to it still: what a drive lets go of without overwriting it is there for
// whoever reads the memory.
func (s *simulated) RAM() ([]byte, error) {
	known := map[*byte]bool{}
	for _, place := range s.seen {
		known[&place[0]] = true
	}
	for _, place := range reachable(s.d, s.parts.Flash, s.parts.Media, s.parts.Entropy) {
		if !known[&place[0]] {
			s.seen = append(s.seen, place)
		}
	}
	var all []byte
	for _, place := range s.seen {
		all = append(all, place...)
	}
	return all, nil
}
