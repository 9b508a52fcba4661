package outside

import "github.com/seed-9d983aeb/fdelab/drive"

// Session is one authority's session with a Drive.
type Session struct {
	d    *Drive
	who  drive.Authority
	slot int
	pin  drive.PIN
}

// Authority is who authenticated.
func (s *Session) Authority() drive.Authority { return s.who }

// Close ends the session.
func (s *Session) Close() {
	if s.d.session == s {
		s.d.session = nil
		s.pin.Clear()
	}
}

// as refuses a session that is over, or of another authority than may do op.
func (s *Session) as(op string, who drive.Authority) error {
	switch {
	case s.d.session != s:
		return &drive.StatusError{Op: op, Code: drive.NoSession}
	case s.who != who:
		return &drive.StatusError{Op: op, Code: drive.NotAuthorized}
	}
	return nil
}

// SetPIN wraps the authority key anew.
func (s *Session) SetPIN(pin drive.PIN) error {
	if err := s.as("set pin", s.who); err != nil {
		return err
	}
	next := s.d.record()
	ak, err := s.d.open(next, s.slot, s.pin)
	if err != nil {
		return err
	}
	if err := s.d.sealKey("set pin", next, s.slot, pin, ak); err != nil {
		return err
	}
	if s.who == drive.BandMaster(0) {
		next[8] = 0
	}
	s.d.commit(next)
	s.pin.Clear()
	s.pin = pin.Clone()
	return nil
}

// Migrate moves the band to a credential, and makes it lock when power goes. The
// authority key of the MSID is not kept: whoever read the factory's wrap would
// have it.
func (s *Session) Migrate(credential drive.PIN) error {
	if err := s.as("migrate", drive.BandMaster(0)); err != nil {
		return err
	}
	next := s.d.record()
	old, err := s.d.open(next, 1, s.pin)
	if err != nil {
		return err
	}
	mek, err := unwrap(old, next[184:][:72])
	if err != nil {
		return err
	}
	if err := s.d.seal("migrate", next, 1, credential); err != nil {
		return err
	}
	ak, err := s.d.open(next, 1, credential)
	if err != nil {
		return err
	}
	copy(next[184:], wrap(ak, mek))
	next[8], next[9] = 0, 1
	s.d.commit(next)
	s.pin.Clear()
	s.pin = credential.Clone()
	return nil
}

// GenKey gives the band a new media key.
func (s *Session) GenKey() error {
	if err := s.as("genkey", drive.BandMaster(0)); err != nil {
		return err
	}
	return s.d.newKey("genkey", s.d.record(), s.pin)
}

// SetRange enables or disables the locks of the band; it has no other place.
func (s *Session) SetRange(c drive.RangeConfig) error {
	if err := s.as("set range", drive.BandMaster(0)); err != nil {
		return err
	}
	next := s.d.record()
	next[9] = 0
	if c.ReadLockEnabled || c.WriteLockEnabled {
		next[9] = 1
	}
	if next[9] == 0 && next[8] == 0 {
		return &drive.StatusError{Op: "set range", Code: drive.InvalidParameter, Why: "a band with a credential always locks"}
	}
	s.d.commit(next)
	return nil
}

// SetLocks closes the band, or opens it with the session's PIN.
func (s *Session) SetLocks(read, write bool) error {
	if err := s.as("set locks", drive.BandMaster(0)); err != nil {
		return err
	}
	if read || write {
		s.d.mek = nil
		return nil
	}
	return s.d.unlock(s.d.record(), s.pin)
}

// Unlock opens the band.
func (s *Session) Unlock() error { return s.SetLocks(false, false) }

// Erase erases the only band.
func (s *Session) Erase(n int) error {
	if n != 0 {
		return &drive.StatusError{Op: "erase", Code: drive.InvalidParameter}
	}
	return s.EraseAll()
}

// EraseAll gives the band a new media key, and its BandMaster the MSID.
func (s *Session) EraseAll() error {
	if err := s.as("erase all", drive.EraseMaster); err != nil {
		return err
	}
	next := s.d.record()
	if err := s.d.seal("erase all", next, 1, s.d.fuses.MSID); err != nil {
		return err
	}
	next[8], next[9] = 1, 0
	s.d.tries[drive.BandMaster(0)] = 0
	return s.d.newKey("erase all", next, s.d.fuses.MSID)
}

// Restore is for a drive that is security degraded, which this one never is.
func (s *Session) Restore() error {
	return &drive.StatusError{Op: "restore", Code: drive.InvalidState}
}
