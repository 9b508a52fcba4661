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

// server gives a key server by its number, as it is and in the model.
func (m *Machine) server(text string) (*customer.KeyServer, *keyServer) {
	model := m.keys.server(number(text))
	m.history.add("", kindKeys)
	actual, err := m.Lab.Customer().KeyServer(model.name)
	if err != nil {
		panic("BUG: facility: a key server that only the model has: " + err.Error())
	}
	return actual, model
}

func (m *Machine) stopServer(a []string) error {
	_, model := m.server(a[0])
	model.off = true
	return m.expect(true, m.Lab.Customer().Stop(number(a[0])))
}

func (m *Machine) startServer(a []string) error {
	_, model := m.server(a[0])
	model.off = false
	m.keys.replicate()
	return m.expect(true, m.Lab.Customer().Start(number(a[0])))
}

func (m *Machine) service(a []string) error {
	actual, model := m.server(a[0])
	switch a[1] {
	case "ends":
		actual.StopService()
		model.ended = true
	case "runs":
		actual.StartService()
		model.ended = false
	case "hangs":
		actual.Store().Stall()
		model.hung = true
	case "goes-on":
		actual.Store().Resume()
		model.hung = false
	case "garbled":
		actual.Garble()
		model.garbled = true
	case "right":
		actual.Ungarble()
		model.garbled = false
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

// changeKey loses or damages what the key of a group depends on at a key server: with KMIP the data
// key, with IPP both key pairs.
func (m *Machine) changeKey(a []string, do func(*customer.KeyServer, customer.DataKey) error, key func(map[string]uint64, string), pair func(*keyPair)) error {
	actual, model := m.server(a[0])
	g := m.keys.group(number(a[1]))
	d, err := m.Lab.DataKey(number(a[1]))
	if err == nil {
		err = do(actual, d)
	}
	switch {
	case g == nil, g.ipp && g.key == "": // no data key was made yet
		return m.expect(false, err)
	case g.ipp:
		pair(&model.pairs[0])
		pair(&model.pairs[1])
		return m.expect(model.wraps(), err)
	}
	_, have := model.keys[g.key]
	if have != (err == nil) {
		return m.failf("key server %s has key %q: %v, expected %v", model.name, g.key, err == nil, have)
	}
	if have {
		key(model.keys, g.key)
	}
	return nil
}

func (m *Machine) loseKey(a []string) error {
	lose := func(keys map[string]uint64, key string) { delete(keys, key) }
	return m.changeKey(a, (*customer.KeyServer).LoseKey, lose, (*keyPair).lose)
}

func (m *Machine) damageKey(a []string) error {
	bit := number(a[2])
	do := func(s *customer.KeyServer, d customer.DataKey) error { return s.DamageKey(d, bit) }
	flip := func(keys map[string]uint64, key string) { keys[key] ^= 1 << bit }
	return m.changeKey(a, do, flip, func(p *keyPair) { p.damage(bit) })
}

func (m *Machine) losePair(a []string) error {
	actual, model := m.server(a[0])
	p := &model.pairs[slices.Index(pairLabels[:], a[1])]
	p.lose()
	return m.expect(p.public, actual.LosePair(a[1]))
}

func (m *Machine) damagePair(a []string) error {
	actual, model := m.server(a[0])
	p := &model.pairs[slices.Index(pairLabels[:], a[1])]
	p.damage(number(a[2]))
	return m.expect(p.public, actual.DamagePair(a[1], number(a[2])))
}

func (m *Machine) restoreKeys(a []string) error {
	to, modelTo := m.server(a[0])
	from, modelFrom := m.server(a[1])
	err := to.RestoreFrom(from)
	if can := !modelTo.off && !modelFrom.off && modelTo != modelFrom; can != (err == nil) {
		return m.failf("keys of %s are restored from %s: %v, expected %v", modelTo.name, modelFrom.name, err, can)
	}
	if err == nil {
		modelTo.restore(modelFrom)
	}
	return nil
}

// reissue: "reissue 1 customer own 0", "reissue 2 unknown own 90": issuer, whose name, and a life
// in minutes; 0 is a long one, a negative one has run out.
func (m *Machine) reissue(a []string) error {
	actual, model := m.server(a[0])
	name, life := "", time.Duration(number(a[3]))*time.Minute
	if a[2] == "other" {
		name = "other.example.com"
	}
	if err := actual.Reissue(a[1], name, life); err != nil {
		return m.expect(true, err)
	}
	if life == 0 {
		life = forever
	}
	model.issuer, model.otherName, model.until = a[1], a[2] == "other", m.keys.now.Add(life)
	return nil
}

// trust: "trust 1 factory no".
func (m *Machine) trust(a []string) error {
	actual, model := m.server(a[0])
	set := actual.Trust
	if a[2] == "no" {
		set = actual.Distrust
	}
	model.refuses[a[1]] = a[2] == "no"
	return m.expect(true, set(a[1]))
}

// console: "console 1 off", "on", "hung", "free", "no-essni", "essni".
func (m *Machine) console(a []string) error {
	n := number(a[0])
	m.history.add("", kindKeys)
	model := &m.keys.consoles[n-1]
	if a[1] == "off" || a[1] == "on" {
		model.off = a[1] == "off"
		return m.expect(true, m.Lab.PowerConsole(n, !model.off))
	}
	if strings.HasSuffix(a[1], "essni") {
		model.noESSNI = a[1] == "no-essni"
		return m.expect(true, m.Lab.SetESSNI(n, !model.noESSNI))
	}
	model.hung = a[1] == "hung"
	return m.expect(true, m.Lab.HangConsole(n, model.hung))
}

// link: "link 0 1 cut", "stalled", "up": partition, console.
func (m *Machine) link(a []string) error {
	p, c, to := number(a[0]), number(a[1]), raslab.LinkState(a[2])
	m.history.add("", kindKeys)
	model := &m.keys.links[p][c-1]
	model.cut, model.stalled = to == raslab.LinkCut, to == raslab.LinkStalled
	return m.expect(true, m.Lab.SetLink(p, c, to))
}

// path: "path 1 2 cut", "up": console, key server.
func (m *Machine) path(a []string) error {
	_, model := m.server(a[1])
	c := number(a[0])
	m.keys.consoles[c-1].cutTo[number(a[1])] = a[2] == "cut"
	return m.expect(true, m.Lab.Customer().SetPath(c, model.name, a[2] != "cut"))
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
	model := m.keys.manager(id)
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
	if model != nil && c.Protocol != nil {
		if g := m.keys.group(model.group); g != nil && g.phase != unconfigured && g.ipp != asked {
			return m.expect(false, err) // a data key does not move to another protocol
		}
	}
	if model != nil {
		m.history.add("", kindKeys)
		switch {
		case c.Protocol != nil:
			model.noTLS, model.ipp = a[1] == "ipp", asked
		case active:
			model.inactive = false
		default:
			model.inactive, model.silent = true, false // it is asked no more
		}
	}
	return m.expect(model != nil, err)
}

func (m *Machine) removeManager(a []string) error {
	id := number(a[0])
	model := m.keys.manager(id)
	if model != nil {
		m.history.add("", kindKeys)
		m.keys.managers = slices.DeleteFunc(m.keys.managers, func(o *keyManager) bool { return o == model })
	}
	return m.expect(model != nil, m.Lab.RemoveKeyManager(id))
}

// makeManager: "mk-manager 3 1 2": number, key server, key group.
func (m *Machine) makeManager(a []string) error {
	id, n, group := number(a[0]), number(a[1]), number(a[2])
	model := m.keys.server(n)
	free := !slices.ContainsFunc(m.keys.managers, func(o *keyManager) bool {
		return o.id == id || o.group == group && o.server == n
	})
	if g := m.keys.group(group); g != nil && g.phase != unconfigured && g.ipp {
		free = false // it would be one of KMIP
	}
	_, err := m.Lab.MakeKeyManager(raslab.KeyManagerRequest{ID: id, Addr: model.name, KeyGroup: group})
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
	k.ownIssuer, k.ownUntil = "customer", k.now.Add(life)
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
	for i, model := range k.activeOf(id) {
		works := k.running && !k.unreadable() && k.request(0, model, g.key) == gotKey && k.request(1, model, g.key) == gotKey
		if i >= len(out) || out[i].KeyManager != model.id || works != (out[i].Err == nil) {
			return m.failf("test of access: key manager %d gives the key: %v, the answer is %v", model.id, works, out)
		}
	}
	return nil
}
