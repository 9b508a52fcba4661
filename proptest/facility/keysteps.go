package facility

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// The steps on the way to the keys: what people and machines do to it. Each is done to the
// facility and to the model.

// server gives a key server by its number, as it is and as the model has it.
func (m *Machine) server(text string) (*customer.KeyServer, *keyServer) {
	w := m.keys.server(number(text))
	m.history.add("", kindKeys)
	h, err := m.Lab.Customer().KeyServer(w.name)
	if err != nil {
		panic("BUG: facility: a key server that only the model has: " + err.Error())
	}
	return h, w
}

func (m *Machine) stopServer(a []string) error {
	_, w := m.server(a[0])
	w.off = true
	return m.expect(true, m.Lab.Customer().Stop(number(a[0])))
}

func (m *Machine) startServer(a []string) error {
	_, w := m.server(a[0])
	w.off = false
	m.keys.replicate()
	return m.expect(true, m.Lab.Customer().Start(number(a[0])))
}

func (m *Machine) service(a []string) error {
	h, w := m.server(a[0])
	switch a[1] {
	case "ends":
		h.StopService()
		w.ended = true
	case "runs":
		h.StartService()
		w.ended = false
	case "hangs":
		h.Store().Stall()
		w.hung = true
	case "goes-on":
		h.Store().Resume()
		w.hung = false
	case "garbled":
		h.Garble()
		w.garbled = true
	case "right":
		h.Ungarble()
		w.garbled = false
	}
	return nil
}

func (m *Machine) addServer([]string) error {
	if len(m.keys.servers) >= 4 {
		return nil
	}
	name := fmt.Sprintf("backup%d.example.com", len(m.keys.servers)+1)
	if _, err := m.Lab.Customer().Add(name); err != nil {
		return m.expect(true, err)
	}
	m.keys.addServer(name)
	return nil
}

// onKey does something to the data key of a group.
func (m *Machine) onKey(group string, do func(customer.DataKey) error) error {
	d, err := m.Lab.DataKey(number(group))
	if err != nil {
		return err
	}
	return do(d)
}

// loseKey and damageKey: with KMIP the data key, with IPP both key pairs.
func (m *Machine) loseKey(a []string) error {
	h, w := m.server(a[0])
	g := m.keys.group(number(a[1]))
	err := m.onKey(a[1], h.LoseKey)
	switch {
	case g == nil:
		return m.expect(false, err)
	case g.ipp:
		w.pairs[0].lose()
		w.pairs[1].lose()
		return m.expect(w.wraps(), err)
	}
	if _, have := w.keys[g.key]; have != (err == nil) {
		return m.failf("key server %s has key %q: %v, expected %v", w.name, g.key, err == nil, have)
	}
	delete(w.keys, g.key)
	return nil
}

func (m *Machine) damageKey(a []string) error {
	h, w := m.server(a[0])
	g, bit := m.keys.group(number(a[1])), number(a[2])
	err := m.onKey(a[1], func(d customer.DataKey) error { return h.DamageKey(d, bit) })
	switch {
	case g == nil:
		return m.expect(false, err)
	case g.ipp:
		w.pairs[0].damage(bit)
		w.pairs[1].damage(bit)
		return m.expect(w.wraps(), err)
	}
	wrong, have := w.keys[g.key]
	if have != (err == nil) {
		return m.failf("key server %s has key %q: %v, expected %v", w.name, g.key, err == nil, have)
	}
	if have {
		w.keys[g.key] = wrong ^ 1<<bit
	}
	return nil
}

func (m *Machine) losePair(a []string) error {
	h, w := m.server(a[0])
	p := &w.pairs[slices.Index(pairLabels[:], a[1])]
	p.lose()
	return m.expect(p.public, h.LosePair(a[1]))
}

func (m *Machine) damagePair(a []string) error {
	h, w := m.server(a[0])
	p := &w.pairs[slices.Index(pairLabels[:], a[1])]
	p.damage(number(a[2]))
	return m.expect(p.public, h.DamagePair(a[1], number(a[2])))
}

func (m *Machine) restoreKeys(a []string) error {
	to, wTo := m.server(a[0])
	from, wFrom := m.server(a[1])
	err := to.RestoreFrom(from)
	if can := !wTo.off && !wFrom.off && wTo != wFrom; can != (err == nil) {
		return m.failf("keys of %s are restored from %s: %v, expected %v", wTo.name, wFrom.name, err, can)
	}
	if err == nil {
		wTo.restore(wFrom)
	}
	return nil
}

// reissue: "reissue 1 customer own 0", "reissue 2 unknown own 90": issuer, whose name, and a life
// in minutes; 0 is a long one, a negative one has run out.
func (m *Machine) reissue(a []string) error {
	h, w := m.server(a[0])
	name, life := "", time.Duration(number(a[3]))*time.Minute
	if a[2] == "other" {
		name = "other.example.com"
	}
	if err := h.Reissue(a[1], name, life); err != nil {
		return m.expect(true, err)
	}
	w.issuer, w.otherName, w.from, w.to = a[1], a[2] == "other", m.keys.now, m.keys.now.Add(life)
	switch {
	case life == 0:
		w.to = m.keys.now.Add(forever)
	case life < 0:
		w.from = m.keys.now.Add(2 * life)
	}
	return nil
}

// trust: "trust 1 factory no".
func (m *Machine) trust(a []string) error {
	h, w := m.server(a[0])
	set := h.Trust
	if a[2] == "no" {
		set = h.Distrust
	}
	w.refuses[a[1]] = a[2] == "no"
	return m.expect(true, set(a[1]))
}

// console: "console 1 off", "on", "hung", "free", "no-essni", "essni".
func (m *Machine) console(a []string) error {
	n := number(a[0])
	m.history.add("", kindKeys)
	w := &m.keys.consoles[n-1]
	if a[1] == "off" || a[1] == "on" {
		w.off = a[1] == "off"
		return m.expect(true, m.Lab.PowerConsole(n, !w.off))
	}
	if strings.HasSuffix(a[1], "essni") {
		w.noESSNI = a[1] == "no-essni"
		return m.expect(true, m.Lab.SetESSNI(n, !w.noESSNI))
	}
	w.hung = a[1] == "hung"
	return m.expect(true, m.Lab.HangConsole(n, w.hung))
}

// link: "link 0 1 cut", "stalled", "up": partition, console.
func (m *Machine) link(a []string) error {
	p, c, to := number(a[0]), number(a[1]), raslab.LinkState(a[2])
	m.history.add("", kindKeys)
	w := &m.keys.links[p][c-1]
	w.cut, w.stalled = to == raslab.LinkCut, to == raslab.LinkStalled
	return m.expect(true, m.Lab.SetLink(p, c, to))
}

// path: "path 1 2 cut", "up": console, key server.
func (m *Machine) path(a []string) error {
	_, w := m.server(a[1])
	c := number(a[0])
	m.keys.consoles[c-1].cutTo[number(a[1])] = a[2] == "cut"
	return m.expect(true, m.Lab.Customer().SetPath(c, w.name, a[2] != "cut"))
}

// parsed is the plan of a word that was checked before; nil for none.
func parsed(word string) *fault.Plan {
	if word == "-" {
		return nil
	}
	return fault.MustParse(word)
}

func plan(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

func (m *Machine) armNet(a []string) error {
	c := number(a[0])
	m.history.add("", kindKeys)
	m.keys.consoles[c-1].plan = plan(a[1])
	return m.expect(true, m.Lab.Customer().Arm(c, parsed(a[1])))
}

func (m *Machine) armLink(a []string) error {
	p, c := number(a[0]), number(a[1])
	m.history.add("", kindKeys)
	m.keys.links[p][c-1].plan = plan(a[2])
	return m.expect(true, m.Lab.ArmLink(p, c, parsed(a[2])))
}

// armMemory: the memory under a signature. What other bits mean is no matter of the
// key path.
func (m *Machine) armMemory(a []string) error {
	p := number(a[0])
	m.history.add("", kindKeys)
	m.keys.memory[p] = plan(a[1])
	return m.expect(true, m.Lab.ArmMemory(p, parsed(a[1])))
}

// manager: "manager 1 active", "inactive", "kmip", "ipp-tls", "ipp".
func (m *Machine) manager(a []string) error {
	id := number(a[0])
	w := m.keys.manager(id)
	c := raslab.KeyManagerChange{}
	tls, none, kmip, ipp := raslab.ProtocolTLS, raslab.ProtocolNone, raslab.KMIP, raslab.IPP
	active := a[1] == "active"
	switch a[1] {
	case "active", "inactive":
		c.Active = &active
	case "kmip":
		c.Protocol, c.KeyProtocol = &tls, &kmip
	case "ipp-tls":
		c.Protocol, c.KeyProtocol = &tls, &ipp
	case "ipp":
		c.Protocol, c.KeyProtocol = &none, &ipp
	}
	_, err := m.Lab.ChangeKeyManager(id, c)
	asked := strings.HasPrefix(a[1], "ipp")
	if w != nil && c.Protocol != nil {
		if g := m.keys.group(w.group); g != nil && g.phase != unconfigured && g.ipp != asked {
			return m.expect(false, err) // a data key does not move to another protocol
		}
	}
	if w != nil {
		m.history.add("", kindKeys)
		switch {
		case c.Protocol != nil:
			w.noTLS, w.ipp = a[1] == "ipp", asked
		case active:
			w.inactive = false
		default:
			w.inactive, w.silent = true, false // it is asked no more
		}
	}
	return m.expect(w != nil, err)
}

func (m *Machine) removeManager(a []string) error {
	id := number(a[0])
	w := m.keys.manager(id)
	if w != nil {
		m.history.add("", kindKeys)
		m.keys.managers = slices.DeleteFunc(m.keys.managers, func(o *keyManager) bool { return o == w })
	}
	return m.expect(w != nil, m.Lab.RemoveKeyManager(id))
}

// makeManager: "mk-manager 3 1 2": number, key server, key group.
func (m *Machine) makeManager(a []string) error {
	id, n, group := number(a[0]), number(a[1]), number(a[2])
	w := m.keys.server(n)
	free := !slices.ContainsFunc(m.keys.managers, func(o *keyManager) bool {
		return o.id == id || o.group == group && o.server == n
	})
	if g := m.keys.group(group); g != nil && g.phase != unconfigured && g.ipp {
		free = false // it would be one of KMIP
	}
	_, err := m.Lab.MakeKeyManager(raslab.KeyManagerRequest{ID: id, Addr: w.name, KeyGroup: group})
	if free {
		m.keys.managers = append(m.keys.managers, &keyManager{id: id, server: n, group: group})
		slices.SortFunc(m.keys.managers, func(a, b *keyManager) int { return a.id - b.id })
	}
	return m.expect(free, err)
}

// ownCert: "own-cert 90" imports one with a life of 90 minutes, "own-cert default", "own-cert
// lost".
func (m *Machine) ownCert(a []string) error {
	k := m.keys
	m.history.add("", kindKeys)
	switch a[0] {
	case "default":
		k.defaultCert()
		return m.expect(true, m.Lab.DefaultCertificate())
	case "lost":
		k.ownIssuer = ""
		m.Lab.LoseCertificate()
		return nil
	}
	life := time.Duration(number(a[0])) * time.Minute
	pem, err := m.Lab.Customer().ClientCertificate(life)
	if err == nil {
		_, err = m.Lab.ImportCertificate(pem)
	}
	k.ownIssuer, k.ownFrom, k.ownTo = "customer", k.now, k.now.Add(life)
	return m.expect(true, err)
}

// testAccess: each active server's line says whether every partition got the key.
func (m *Machine) testAccess(a []string) error {
	id := number(a[0])
	out, err := m.Lab.TestAccess(id)
	k, g := m.keys, m.keys.group(id)
	if can := g != nil && g.phase == configured; !can || err != nil {
		return m.expect(can, err)
	}
	if !m.certain() {
		return nil
	}
	for i, w := range k.activeOf(id) {
		works := k.running && !k.unreadable() && k.request(0, w, g.key) == gotKey && k.request(1, w, g.key) == gotKey
		if i >= len(out) || out[i].KeyServer != w.id || works != (out[i].Err == nil) {
			return m.failf("test of access: key server %d gives the key: %v, the answer is %v", w.id, works, out)
		}
	}
	return nil
}
