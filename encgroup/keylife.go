package encgroup

import (
	"fmt"
	"time"
)

// KeyState is the state of a data key at a key server. The numbers are those of KMIP (specification
// 1.4, section 3.22).
type KeyState uint8

// The states.
const (
	KeyStateUnknown         KeyState = 0 // the server does not say
	KeyPreActive            KeyState = 1 // never activated: a data key that a facility registers stays so (assumption)
	KeyActive               KeyState = 2
	KeyDeactivated          KeyState = 3 // opens what it protects, and should protect nothing new
	KeyCompromised          KeyState = 4 // somebody else may have it
	KeyDestroyed            KeyState = 5 // the server has only its attributes
	KeyDestroyedCompromised KeyState = 6
)

var keyStateNames = [...]string{"unknown", "pre-active", "active", "deactivated", "compromised", "destroyed", "destroyed, compromised before"}

func (s KeyState) String() string {
	if int(s) < len(keyStateNames) {
		return keyStateNames[s]
	}
	return fmt.Sprintf("key state %d", uint8(s))
}

// Destroyed says whether the key itself is gone from the server.
func (s KeyState) Destroyed() bool { return s == KeyDestroyed || s == KeyDestroyedCompromised }

// Compromised says whether somebody else may have the key.
func (s KeyState) Compromised() bool { return s == KeyCompromised || s == KeyDestroyedCompromised }

// KeyLife is what a key server says of the life of a data key. A time that it does not say is zero.
type KeyLife struct {
	State        KeyState
	Told         time.Time // the server's own time of its answer, if its clock is not the caller's
	Activation   time.Time
	ProtectStop  time.Time // from then on it should protect nothing new
	Deactivation time.Time
	Compromised  time.Time // since when somebody else may have it
}

// At is the life at a moment. A deactivation date that has passed deactivates the key, whether the
// server has said so by then or not.
func (l KeyLife) At(now time.Time) KeyLife {
	now = l.on(now)
	if (l.State == KeyActive || l.State == KeyPreActive) && !l.Deactivation.IsZero() && !now.Before(l.Deactivation) {
		l.State = KeyDeactivated
	}
	return l
}

// KeyLifeWarning is how long before a date of a key a warning begins (assumption: 90 days, as for
// certificates).
const KeyLifeWarning = 90 * 24 * time.Hour

// Warning is one clause about what is wrong with the key at a moment, or soon will be; "" if
// nothing is.
func (l KeyLife) Warning(now time.Time) string {
	now = l.on(now)
	l = l.At(now)
	switch l.State {
	case KeyDeactivated:
		if l.Deactivation.IsZero() {
			return "the data key is deactivated"
		}
		return "the data key is deactivated since " + keyDate(l.Deactivation)
	case KeyCompromised:
		if l.Compromised.IsZero() {
			return "the data key is compromised"
		}
		return "the data key is compromised since " + keyDate(l.Compromised)
	case KeyDestroyed, KeyDestroyedCompromised:
		return "the data key is " + l.State.String()
	}
	switch {
	case soon(now, l.Deactivation):
		return "the data key is deactivated on " + keyDate(l.Deactivation)
	case !l.ProtectStop.IsZero() && !now.Before(l.ProtectStop):
		return "the data key should protect nothing new since " + keyDate(l.ProtectStop)
	case soon(now, l.ProtectStop):
		return "the data key should protect nothing new from " + keyDate(l.ProtectStop)
	}
	return ""
}

// Stage is the severity: 0 nothing, 1 a date comes, 2 a date has passed or the key was revoked,
// 3 compromised, 4 destroyed.
func (l KeyLife) Stage(now time.Time) int {
	now = l.on(now)
	l = l.At(now)
	switch {
	case l.State.Destroyed():
		return 4
	case l.State == KeyCompromised:
		return 3
	case l.State == KeyDeactivated, !l.ProtectStop.IsZero() && !now.Before(l.ProtectStop):
		return 2
	case l.Warning(now) != "":
		return 1
	}
	return 0
}

// on is now by the clock that the dates are of.
func (l KeyLife) on(now time.Time) time.Time {
	if !l.Told.IsZero() {
		return l.Told
	}
	return now
}

func soon(now, date time.Time) bool {
	return !date.IsZero() && now.Before(date) && date.Sub(now) <= KeyLifeWarning
}

func keyDate(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// LifeTeller is a KeyServer that knows of the life of its keys.
type LifeTeller interface {
	// Life is what the server said of the data key at the last request for it; false if it said
	// nothing.
	Life(uid string) (KeyLife, bool)
}
