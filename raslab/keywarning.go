package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// KeyWarning is something that the facility has learned about a data key, a certificate or the
// storage of the key servers, and that a person should act on. MAP4980 has no code for it. It comes
// from the last answer of the server: the facility learns of a later change only when it asks
// again.
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

// KeyWarnings lists the warnings: about the facility's own certificate if a server asks for it,
// then about the active key managers by number, certificate first, and last about the groups that
// an audit found in a deadlock. A warning lasts until the server says that all is well or the group
// has another data key.
func (l *Lab) KeyWarnings() []KeyWarning { return append(l.ownWarnings(), l.keyWarnings(0)...) }

// ownWarnings are those about the facility's own certificate.
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

// afterKeyWarning says how to replace a data key. The group needs its present key for that. A
// compromised data key may have opened a copy of the key repository, so the group key is exchanged
// too.
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
