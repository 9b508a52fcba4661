package customer

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/internal/spell"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// DataKey says which key hands are to find at a key server: what the facility calls it there.
type DataKey struct {
	Of     string   // whose key it is, for the log: "key group 1"
	UID    string   // KMIP: its unique identifier
	Labels []string // IPP: the labels of the key pairs that wrap it; nil with KMIP
}

// LoseKey deletes from the server's disk what a data key depends on there: with KMIP the key
// itself, with IPP the private halves of its key pairs.
func (k *KeyServer) LoseKey(d DataKey) error {
	return k.hurt(d, k.LosePair, k.mem.LoseKey)
}

// DamageKey flips a bit (0 to 255) of the same; once more in the same bit and it is
// what it was.
func (k *KeyServer) DamageKey(d DataKey, bit int) error {
	return k.hurt(d, func(label string) error { return k.DamagePair(label, bit) }, func(uid string) error { return k.mem.DamageKey(uid, bit) })
}

func (k *KeyServer) hurt(d DataKey, pair, key func(string) error) error {
	if d.Labels == nil {
		return key(d.UID)
	}
	for _, label := range d.Labels {
		if err := pair(label); err != nil {
			return err
		}
	}
	return nil
}

// KeyFate is what the customer does to a data key at a key server.
type KeyFate string

// The fates. With a time to come, Deactivate is a date that the key has.
const (
	KeyActivate   KeyFate = "active"
	KeyDeactivate KeyFate = "deactivated"
	KeyCompromise KeyFate = "compromised"
	KeyDestroy    KeyFate = "destroyed"
)

// SetKeyState changes the state of a data key on this key server, as its administrator does. in
// is the time until it is deactivated, 0 for now; other states have none. A
// destroyed key is gone from the disk, and a key does not come back from a later state to an earlier
// one (KMIP specification 1.4, section 3.22) except by RestoreFrom.
func (k *KeyServer) SetKeyState(d DataKey, to KeyFate, in time.Duration) error {
	const op = "keyserver key"
	switch {
	case d.Labels != nil:
		return request.Refuse(request.ErrState, op, d.Of+" speaks IPP", "only keys of KMIP have a state")
	case in < 0 || in > 0 && to != KeyDeactivate:
		return request.Refuse(request.ErrInvalid, op, fmt.Sprintf("%s in %s", to, spell.Duration(in)), "only a deactivation has a date to come")
	}
	was := k.life(d.UID)
	n, now := was, k.site.config.Clock()
	switch to {
	case KeyActivate:
		n.State, n.Activation = encgroup.KeyActive, now
	case KeyDeactivate:
		n.Deactivation = now.Add(in)
		if in == 0 {
			n.State = encgroup.KeyDeactivated
		}
	case KeyCompromise:
		n.State, n.Compromised = encgroup.KeyCompromised, now
	case KeyDestroy:
		n.State = encgroup.KeyDestroyed
		if was.State == encgroup.KeyCompromised {
			n.State = encgroup.KeyDestroyedCompromised
		}
	default:
		return request.Refuse(request.ErrInvalid, op, fmt.Sprintf("state %q", to), "active, deactivated, compromised and destroyed are right")
	}
	if n.State < was.State || was.State.Destroyed() || in > 0 && was.State >= encgroup.KeyDeactivated {
		return request.Refuse(request.ErrState, op, fmt.Sprintf("the data key is %s on %s", was.State, k.Name), "a key does not go back to an earlier state")
	}
	if to == KeyDestroy {
		if err := k.mem.LoseKey(d.UID); err != nil {
			return fmt.Errorf("raslab: %w", err)
		}
	}
	k.setLife(d.UID, n)
	k.site.logf("key server", "%s: the data key of %s is %s%s", k.Name, d.Of, to, inTime(in))
	return nil
}

func inTime(in time.Duration) string {
	if in == 0 {
		return ""
	}
	return " in " + spell.Duration(in)
}

func (k *KeyServer) setLife(uid string, l encgroup.KeyLife) {
	if k.lives == nil {
		k.lives = map[string]encgroup.KeyLife{}
	}
	k.lives[uid] = l
}

// life is the life of a key on the server at this moment.
func (k *KeyServer) life(uid string) encgroup.KeyLife {
	l, ok := k.lives[uid]
	if !ok {
		l.State = encgroup.KeyPreActive
	}
	return l.At(k.site.config.Clock())
}

// restoreLives copies what the other server says of its keys along with the keys.
func (k *KeyServer) restoreLives(from *KeyServer) {
	for _, uid := range from.mem.Keys() {
		delete(k.lives, uid)
		if l, ok := from.lives[uid]; ok {
			k.setLife(uid, l)
		}
	}
}
