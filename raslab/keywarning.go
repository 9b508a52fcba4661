package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// KeyWarning is what the facility has learned of a data key, a certificate or the storage of the key
// servers, and what a
// person should act on. MAP4980 has no code for it. It comes from the last answer of the server:
// of what happens there later the facility knows nothing before it asks again.
type KeyWarning struct {
	KeyManager int    // 0: of no key manager
	Addr       string // of the key manager
	KeyGroup   int    // 0: all of them, for the certificate is the facility's own
	Why        string // one clause
	Learned    time.Time
	Next       string // what is to be done
}

func (w KeyWarning) String() string {
	who := fmt.Sprintf("key manager %d %s", w.KeyManager, w.Addr)
	switch {
	case w.KeyGroup == 0:
		return "facility: " + w.Why
	case w.KeyManager == 0:
		who = fmt.Sprintf("key group %d", w.KeyGroup)
	}
	return fmt.Sprintf("%s: %s; learned %s", who, w.Why, w.Learned.UTC().Format("2006-01-02 15:04:05"))
}

// KeyWarnings lists them: of the facility's own certificate where a server asks for it, then
// of the active key managers by number, certificate first. Each lasts until the server tells
// better, or the group has another data key. Last come the groups that are in a deadlock by the
// answers of an audit.
func (l *Lab) KeyWarnings() []KeyWarning { return append(l.ownWarnings(), l.keyWarnings(0)...) }

// ownWarnings is of the facility's own certificate.
func (l *Lab) ownWarnings() []KeyWarning {
	why := l.FacilityCertificate().Warning
	for _, m := range l.keys.managers {
		if m.active && m.protocol == ProtocolTLS && why != "" {
			return []KeyWarning{{Why: why, Learned: l.Now(), Next: "install a new one: certificate import"}}
		}
	}
	return nil
}

// keyWarnings are those of the active key managers of a group, 0 for all groups.
func (l *Lab) keyWarnings(group int) (out []KeyWarning) {
	for _, m := range l.keys.managers {
		if !m.active || group != 0 && m.group != group {
			continue
		}
		certificate, key := m.warnings(l)
		w := KeyWarning{KeyManager: m.id, Addr: m.addr, KeyGroup: m.group}
		if w.Why = certificate; w.Why != "" {
			w.Learned, w.Next = m.seen, "the server needs a new certificate"
			out = append(out, w)
		}
		if w.Why = key; w.Why != "" {
			w.Learned, w.Next = m.told, l.keys.afterKeyWarning(m)
			out = append(out, w)
		}
	}
	return append(out, l.auditWarnings(group)...)
}

// afterKeyWarning says what makes a data key good again: another one. It is made where the
// group has its key; a compromised one may have opened a copy of the key repository.
func (k *keys) afterKeyWarning(m *keyManager) string {
	switch g := k.group(m.group); {
	case g == nil || g.enc.State() != encgroup.Accessible:
		return "the group needs its key before it can get another one"
	case g.enc.Kind() == encgroup.DAR && m.life.State.Compromised():
		return fmt.Sprintf("exchange both keys: keygrp newdatakey keygrp=%d, keygrp newgroupkey keygrp=%d", g.id, g.id)
	default:
		return fmt.Sprintf("exchange the data key: keygrp newdatakey keygrp=%d", g.id)
	}
}
