package powercut

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// watched is the drive as the engine has it. When the drive has said that a key step is done, the thief looks at the
// chip before anything else happens: what the engine, a cut or the next power-on do afterwards cannot clean up for it.
type watched struct {
	erase.Target
	w *eraseWorld
}

// RevertPSID is the key step of a revert.
func (t watched) RevertPSID(psid drive.PIN) error {
	err := t.Target.RevertPSID(psid)
	t.w.stepped(err)
	return err
}

// Authenticate gives sessions whose key steps are looked at.
func (t watched) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	s, err := t.Target.Authenticate(a, pin)
	if err != nil {
		return nil, err
	}
	return watchedSession{s.(drive.BatchSession), t.w}, nil // as all sessions of a Drive are
}

type watchedSession struct {
	drive.BatchSession
	w *eraseWorld
}

// Erase is the key step of a range. The owner's data are in the first.
func (s watchedSession) Erase(n int) error {
	err := s.BatchSession.Erase(n)
	if n == 0 {
		s.w.stepped(err)
	}
	return err
}

// EraseAll is that of all ranges.
func (s watchedSession) EraseAll() error {
	err := s.BatchSession.EraseAll()
	s.w.stepped(err)
	return err
}

// stepped has the thief look after a key step that succeeded.
func (w *eraseWorld) stepped(err error) {
	w.kept = w.kept || err == nil && w.thief() != nil
}
