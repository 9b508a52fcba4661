package raslab

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/remote"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// reached is what the software of a facility has of a drive: what answers commands. What hands do to a
// drive, its power, its flash, is not in it.
type reached interface {
	encgroup.Drive
	erase.Attester
	RevertPSID(psid drive.PIN) error
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	SelfTest() error
}

var _ reached = (*remote.Drive)(nil)

// direct is a drive that is reached by its methods. It says no more than one that is reached over its
// interfaces: a status is the command and its code, without a text, and a drive that is off says nothing.
type direct struct{ Drive }

var _ reached = direct{}

// bare leaves of a drive's status what comes over a wire.
func bare(err error) error {
	var st *drive.StatusError
	if errors.As(err, &st) {
		return &drive.StatusError{Op: st.Op, Code: st.Code}
	}
	return err
}

// Status implements reached.
func (d direct) Status() drive.Status {
	if st := d.Drive.Status(); st.Powered {
		return st
	}
	return drive.Status{}
}

// MSID implements reached.
func (d direct) MSID() (drive.PIN, error) {
	pin, err := d.Drive.MSID()
	return pin, bare(err)
}

// Range implements reached.
func (d direct) Range(n int) (drive.RangeInfo, error) {
	i, err := d.Drive.Range(n)
	return i, bare(err)
}

// Tries implements reached.
func (d direct) Tries(a drive.Authority) (used, limit uint16, err error) {
	used, limit, err = d.Drive.Tries(a)
	return used, limit, bare(err)
}

// Authenticate implements reached.
func (d direct) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	s, err := d.Drive.Authenticate(a, pin)
	if err != nil {
		return nil, bare(err)
	}
	if b, ok := s.(drive.BatchSession); ok {
		return directBatch{directSession{s}, b}, nil
	}
	return directSession{s}, nil
}

// RevertPSID implements reached.
func (d direct) RevertPSID(psid drive.PIN) error { return bare(d.Drive.RevertPSID(psid)) }

// Read implements reached.
func (d direct) Read(lba uint64, dst []byte) error { return bare(d.Drive.Read(lba, dst)) }

// Write implements reached.
func (d direct) Write(lba uint64, src []byte) error { return bare(d.Drive.Write(lba, src)) }

// SelfTest implements reached.
func (d direct) SelfTest() error { return bare(d.Drive.SelfTest()) }

// Attest implements reached.
func (d direct) Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error) {
	a, err := d.Drive.Attest(challenge)
	return a, bare(err)
}

// directSession is a session of a drive that is reached by its methods.
type directSession struct{ drive.Session }

func (s directSession) SetPIN(pin drive.PIN) error         { return bare(s.Session.SetPIN(pin)) }
func (s directSession) Migrate(c drive.PIN) error          { return bare(s.Session.Migrate(c)) }
func (s directSession) GenKey() error                      { return bare(s.Session.GenKey()) }
func (s directSession) SetRange(c drive.RangeConfig) error { return bare(s.Session.SetRange(c)) }
func (s directSession) SetLocks(read, write bool) error    { return bare(s.Session.SetLocks(read, write)) }
func (s directSession) Unlock() error                      { return s.SetLocks(false, false) }
func (s directSession) Erase(n int) error                  { return bare(s.Session.Erase(n)) }
func (s directSession) EraseAll() error                    { return bare(s.Session.EraseAll()) }
func (s directSession) Restore() error                     { return bare(s.Session.Restore()) }

// directBatch is a directSession that changes several things in one step.
type directBatch struct {
	directSession
	b drive.BatchSession
}

func (s directBatch) Check(b drive.Batch) error { return bare(s.b.Check(b)) }
func (s directBatch) Apply(b drive.Batch) error { return bare(s.b.Apply(b)) }

// reach is how the facility reaches a drive: by its methods, or over its interfaces (Options.Wire). A
// drive without a security protocol has block commands alone, and one of another make is reached by its
// methods.
func (l *Lab) reach(p *Part) reached {
	d, ours := p.Drive.(*drive.Drive)
	if !l.options.Wire || !ours || p.plain {
		p.direct.Drive = p.Drive
		return &p.direct
	}
	if p.wire == nil {
		t, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(l.options.Seed, "tper/"+p.Serial())})
		if err != nil {
			panic("BUG: raslab: " + err.Error())
		}
		c := d.Config()
		p.wire = remote.New(t, remote.Identity{Serial: c.Serial, Model: c.Model, SectorSize: c.SectorSize, Sectors: c.Sectors}, d)
	}
	return p.wire
}
