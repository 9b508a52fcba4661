package remote

import (
	"errors"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// session is a session of an authority, as drive.Session has it.
type session struct {
	d    *Drive
	s    *host.Session
	sp   spec.UID
	who  drive.Authority
	over bool
}

var _ drive.BatchSession = (*session)(nil)

// uid is the UID of an authority that has a session.
func (d *Drive) uid(a drive.Authority) (spec.UID, bool) {
	n, band := a.Band()
	switch {
	case a == drive.SID:
		return spec.SID, true
	case a == drive.EraseMaster:
		return spec.EraseMaster, true
	case a == drive.PSID:
		return spec.PSID, false
	case band:
		return spec.BandMaster(n), n <= d.Config().Ranges
	}
	return 0, false
}

// Authenticate opens a session for an authority.
func (d *Drive) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	const op = "authenticate"
	u, ok := d.uid(a)
	if !ok || pin.Len() == 0 {
		if _, err := d.recorded(op); err != nil {
			return nil, err
		}
		return nil, refused(op, drive.InvalidParameter)
	}
	s, err := d.login(op, u, pin)
	if err != nil {
		return nil, err
	}
	out := &session{d: d, s: s, sp: d.h.Home(u), who: a}
	d.open = append(d.open, out)
	return out, nil
}

// login opens a session and proves a PIN in it.
func (d *Drive) login(op string, who spec.UID, pin drive.PIN) (*host.Session, error) {
	h, err := d.device()
	if err != nil {
		return nil, d.coded(op, err)
	}
	s, err := h.Start(h.Home(who), host.SessionOptions{})
	if err != nil {
		return nil, d.coded(op, err)
	}
	if err := s.Authenticate(who, pin); err != nil {
		_ = s.Close()
		return nil, d.coded(op, d.lost(err))
	}
	return s, nil
}

// gone forgets the session.
func (s *session) gone() {
	s.over = true
	s.d.open = slices.DeleteFunc(s.d.open, func(o *session) bool { return o == s })
}

// Authority is who authenticated.
func (s *session) Authority() drive.Authority { return s.who }

// Close ends the session; closing twice is harmless.
func (s *session) Close() {
	if !s.over {
		s.gone()
		_ = s.s.Close() // a drive that does not answer has forgotten it
	}
}

// run does what a method of the session does, or refuses because the session is over.
func (s *session) run(op string, do func() error) error {
	if _, err := s.d.report(); err != nil {
		return s.d.coded(op, err)
	}
	if s.over {
		return refused(op, drive.NoSession)
	}
	err := s.d.coded(op, s.d.lost(do()))
	if errors.Is(err, drive.NoSession) || errors.Is(err, drive.PowerLost) {
		s.gone()
	}
	return err
}

// band is run for a BandMaster, whose range is n; everybody else is refused.
func (s *session) band(op string, do func(n int) error) error {
	return s.run(op, func() error {
		n, ok := s.who.Band()
		if !ok {
			return spec.NotAuthorized
		}
		return do(n)
	})
}

// whole does several things in one transaction: all of them, or nothing.
func (s *session) whole(steps ...func() error) error {
	if err := s.s.Begin(); err != nil {
		return err
	}
	for _, do := range steps {
		if err := do(); err != nil {
			_ = s.s.Rollback() // also where the session is over: the transaction is gone with it
			return err
		}
	}
	return s.s.Commit()
}

// SetPIN gives the authority another PIN.
func (s *session) SetPIN(pin drive.PIN) error {
	return s.run("set pin", func() error { return s.setPIN(pin) })
}

func (s *session) setPIN(pin drive.PIN) error {
	u, _ := s.d.uid(s.who)
	return s.s.Set(host.CPIN(u), host.Cell{Column: "PIN", Value: token.B(pin.Bytes())})
}

// Migrate moves the range of a BandMaster to a credential: PIN and locks in one transaction.
func (s *session) Migrate(credential drive.PIN) error {
	return s.band("migrate", func(n int) error {
		if credential.Len() != drive.PINSize {
			return spec.InvalidParameter
		}
		b, err := s.s.Band(n)
		if err != nil {
			return err
		}
		c := b.BandConfig
		c.ReadLockEnabled, c.WriteLockEnabled = true, true
		if !slices.Contains(c.LockOnReset, spec.PowerCycle) {
			c.LockOnReset = append(c.LockOnReset, spec.PowerCycle)
		}
		return s.whole(
			func() error { return s.setPIN(credential) },
			func() error { return s.s.Set(spec.Band(n), c.Cells(n)...) })
	})
}

// GenKey gives the range of a BandMaster a new media encryption key.
func (s *session) GenKey() error {
	return s.band("genkey", func(n int) error { return s.s.GenKey(spec.Band(n)) })
}

// SetRange places the range of a BandMaster and enables its locks.
func (s *session) SetRange(c drive.RangeConfig) error {
	return s.band("set range", func(n int) error { return s.setRange(n, c) })
}

func (s *session) setRange(n int, c drive.RangeConfig) error {
	if n == 0 && (c.Start != 0 || c.Length != 0) {
		return spec.InvalidParameter
	}
	b := bandOf(c)
	return s.s.Set(spec.Band(n), b.Cells(n)...)
}

// SetLocks closes or opens the locks of the range of a BandMaster.
func (s *session) SetLocks(read, write bool) error {
	return s.band("set locks", func(n int) error { return s.setLocks(n, read, write) })
}

func (s *session) setLocks(n int, read, write bool) error {
	return s.s.Set(spec.Band(n), host.Cell{Column: "ReadLocked", Value: token.Bool(read)}, host.Cell{Column: "WriteLocked", Value: token.Bool(write)})
}

// Unlock opens both locks.
func (s *session) Unlock() error { return s.SetLocks(false, false) }

// Erase erases range n, as EraseMaster.
func (s *session) Erase(n int) error {
	return s.run("erase", func() error { return s.erase(n) })
}

func (s *session) erase(n int) error {
	if n < 0 || n > s.d.Config().Ranges {
		return spec.InvalidParameter
	}
	_, err := s.s.Call(spec.Band(n), spec.Erase)
	return err
}

// EraseAll erases every range in one transaction, as EraseMaster.
func (s *session) EraseAll() error {
	return s.run("erase all", func() error {
		var steps []func() error
		for n := range s.d.Config().Ranges + 1 {
			steps = append(steps, func() error { return s.erase(n) })
		}
		return s.whole(steps...)
	})
}

// Restore leaves the state SecurityDegraded, by the maker's method.
func (s *session) Restore() error {
	return s.band("restore", func(int) error {
		_, err := s.s.Call(spec.ThisSP, spec.Restore)
		return err
	})
}

// Check says whether Apply would be refused: the drive is asked for all of it in a transaction that is
// then rolled back.
func (s *session) Check(b drive.Batch) error {
	return s.run("check", func() error {
		if err := s.s.Begin(); err != nil {
			return err
		}
		for _, do := range s.steps(&b) {
			if err := do(); err != nil {
				_ = s.s.Rollback()
				return err
			}
		}
		return s.s.Rollback()
	})
}

// Apply makes all of a batch in one transaction.
func (s *session) Apply(b drive.Batch) error {
	return s.run("apply", func() error { return s.whole(s.steps(&b)...) })
}

// steps are the calls that a batch is made of.
func (s *session) steps(b *drive.Batch) (all []func() error) {
	n, band := s.who.Band()
	if !band && (b.Range != nil || b.Locks != nil || b.GenKey) {
		return append(all, func() error { return spec.NotAuthorized })
	}
	if b.PIN.Len() > 0 {
		all = append(all, func() error { return s.setPIN(b.PIN) })
	}
	if b.Range != nil {
		all = append(all, func() error { return s.setRange(n, *b.Range) })
	}
	if b.Locks != nil {
		all = append(all, func() error { return s.setLocks(n, b.Locks.Read, b.Locks.Write) })
	}
	if b.GenKey {
		all = append(all, func() error { return s.s.GenKey(spec.Band(n)) })
	}
	for _, e := range b.Erase {
		all = append(all, func() error { return s.erase(e) })
	}
	for _, e := range b.Enabled {
		u, ok := s.d.uid(e.Who)
		if e.Who == drive.Makers {
			u, ok = spec.Makers, true
		}
		if !ok { // over a wire it could not be told from one that may not be enabled
			status := spec.NotAuthorized
			if s.who == drive.EraseMaster {
				status = spec.InvalidParameter
			}
			return append(all, func() error { return status })
		}
		all = append(all, func() error { return s.s.Set(u, host.Cell{Column: "Enabled", Value: token.Bool(e.On)}) })
	}
	return all
}
