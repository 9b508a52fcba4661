package facility

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The steps on the way to the keys: what people, machines and time do to it. Each is
// done to the facility and to the model.

// quietVerbs change nothing in the key repository.
var quietVerbs = map[string]bool{}

// keyVerbs are the steps of this and the next file.
func keyVerbs() map[string]verb {
	quiet := map[string]verb{
		"stop-server":    {args: 1, run: onHost(func(m *Machine, n int, w *worldHost) { _ = m.Lab.StopKeyServer(n); w.off = true })},
		"start-server":   {args: 1, run: onHost(func(m *Machine, n int, w *worldHost) { _ = m.Lab.StartKeyServer(n); w.off = false; m.keys.deliver() })},
		"service":        {args: 2, run: (*Machine).service},
		"add-server":     {args: 0, run: (*Machine).addServer},
		"lose-key":       {args: 2, run: (*Machine).loseKey},
		"damage-key":     {args: 3, run: (*Machine).damageKey},
		"restore-keys":   {args: 2, run: (*Machine).restoreKeys},
		"reissue":        {args: 4, run: (*Machine).reissue},
		"trust":          {args: 3, run: (*Machine).trust},
		"console":        {args: 2, run: (*Machine).console},
		"link":           {args: 3, run: (*Machine).link},
		"path":           {args: 3, run: (*Machine).path},
		"arm-net":        {args: 2, rest: true, run: (*Machine).armNet},
		"arm-link":       {args: 3, rest: true, run: (*Machine).armLink},
		"arm-memory":     {args: 2, rest: true, run: (*Machine).armMemory},
		"manager":        {args: 2, run: (*Machine).manager},
		"rm-manager":     {args: 1, run: (*Machine).removeManager},
		"mk-manager":     {args: 3, run: (*Machine).makeManager},
		"own-cert":       {args: 1, run: (*Machine).ownCert},
		"damage-copy":    {args: 1, run: (*Machine).damageCopy},
		"test-access":    {args: 1, run: (*Machine).testAccess},
		"restore-copies": {args: 0, run: (*Machine).restoreCopies},
		"iml":            {args: 0, run: (*Machine).iml},
		"power-cycle":    {args: 0, run: (*Machine).powerCycle},
		"sfi":            {args: 1, run: (*Machine).sfi},
		"retrieve":       {args: 0, run: (*Machine).retrieve},
		"advance":        {args: 1, run: (*Machine).advance},
		"close":          {args: 1, run: (*Machine).closeEvent},
		"calm":           {args: 0, run: (*Machine).calm},
	}
	for name := range quiet {
		quietVerbs[name] = true
	}
	for _, name := range []string{"health", "read", "write", "repair"} {
		quietVerbs[name] = true
	}
	maps.Copy(quiet, map[string]verb{
		"group":       {args: 1, run: (*Machine).configure},
		"rekey-data":  {args: 1, run: (*Machine).rekeyData},
		"rekey-group": {args: 1, run: (*Machine).rekeyGroup},
		"mes":         {args: 0, run: (*Machine).mes},
	})
	return quiet
}

// onHost is a step on one machine of the customer.
func onHost(do func(*Machine, int, *worldHost)) func(*Machine, []string) error {
	return func(m *Machine, a []string) error {
		n := number(a[0])
		w := m.keys.host(n)
		if w == nil {
			return nil
		}
		m.history.add("", kindKeys)
		do(m, n, w)
		return nil
	}
}

// host gives a machine of the customer by its number, as it is and as the model has it; nil if
// there is none.
func (m *Machine) host(text string) (*raslab.KeyHost, *worldHost) {
	w := m.keys.host(number(text))
	if w == nil {
		return nil, nil
	}
	m.history.add("", kindKeys)
	h, err := m.Lab.KeyHost(w.name)
	if err != nil {
		return nil, nil
	}
	return h, w
}

// service: "service 1 ends", "runs", "hangs", "goes-on", "garbled", "right".
func (m *Machine) service(a []string) error {
	h, w := m.host(a[0])
	if h == nil {
		return nil
	}
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
	default:
		return fmt.Errorf("proptest: service %q, want ends, runs, hangs, goes-on, garbled or right", a[1])
	}
	return nil
}

func (m *Machine) addServer([]string) error {
	if len(m.keys.hosts) >= 4 {
		return nil
	}
	name := fmt.Sprintf("backup%d.example.com", len(m.keys.hosts)+1)
	if _, err := m.Lab.AddKeyServer(name); err != nil {
		return m.expect(true, err)
	}
	m.keys.addHost(name)
	return nil
}

// keyInForce is the data key of a group that key servers keep: with IPP they keep none.
func (m *Machine) keyInForce(group string) string {
	if g := m.keys.group(number(group)); g != nil && !g.ipp {
		return g.key
	}
	return ""
}

func (m *Machine) loseKey(a []string) error {
	h, w := m.host(a[0])
	if h == nil {
		return nil
	}
	key := m.keyInForce(a[1])
	err := h.Store().LoseKey(key)
	if _, have := w.keys[key]; have != (err == nil) {
		return m.failf("key server %s has key %q: %v, expected %v", w.name, key, err == nil, have)
	}
	delete(w.keys, key)
	return nil
}

func (m *Machine) damageKey(a []string) error {
	h, w := m.host(a[0])
	if h == nil {
		return nil
	}
	key, bit := m.keyInForce(a[1]), number(a[2])&63
	err := h.Store().DamageKey(key, bit)
	wrong, have := w.keys[key]
	if have != (err == nil) {
		return m.failf("key server %s has key %q: %v, expected %v", w.name, key, err == nil, have)
	}
	if have {
		w.keys[key] = wrong ^ 1<<bit
	}
	return nil
}

func (m *Machine) restoreKeys(a []string) error {
	to, wTo := m.host(a[0])
	from, wFrom := m.host(a[1])
	if to == nil || from == nil {
		return nil
	}
	err := to.Store().RestoreFrom(from.Store())
	if can := !wTo.off && !wFrom.off; can != (err == nil) {
		return m.failf("keys of %s are restored from %s: %v, expected %v", wTo.name, wFrom.name, err, can)
	}
	if err == nil {
		m.keys.copyKeys(wTo, wFrom)
	}
	return nil
}

// reissue: "reissue 1 customer own 0", "reissue 2 unknown own 90": issuer, whose name, and a life in
// minutes; 0 is a long one, a negative one has run out.
func (m *Machine) reissue(a []string) error {
	h, w := m.host(a[0])
	if h == nil {
		return nil
	}
	name, life := "", time.Duration(signed(a[3]))*time.Minute
	if a[2] == "other" {
		name = "other.example.com"
	}
	if err := h.Reissue(a[1], name, life); err != nil {
		return m.refusal(err)
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

// signed is a number that may be negative.
func signed(text string) int {
	if rest, neg := strings.CutPrefix(text, "-"); neg {
		return -number(rest)
	}
	return number(text)
}

// trust: "trust 1 factory no".
func (m *Machine) trust(a []string) error {
	h, w := m.host(a[0])
	if h == nil {
		return nil
	}
	set := h.Trust
	if a[2] == "no" {
		set = h.Distrust
	}
	if err := set(a[1]); err != nil {
		return m.refusal(err)
	}
	w.refuses[a[1]] = a[2] == "no"
	return nil
}

// console: "console 1 off", "on", "hung", "free".
func (m *Machine) console(a []string) error {
	n := number(a[0])
	if n < 1 || n > 2 {
		return m.expect(false, m.Lab.PowerConsole(n, true))
	}
	m.history.add("", kindKeys)
	w := &m.keys.consoles[n-1]
	switch a[1] {
	case "off", "on":
		w.off = a[1] == "off"
		return m.expect(true, m.Lab.PowerConsole(n, a[1] == "on"))
	case "hung", "free":
		w.hung = a[1] == "hung"
		return m.expect(true, m.Lab.HangConsole(n, w.hung))
	}
	return fmt.Errorf("proptest: console %q, want on, off, hung or free", a[1])
}

// link: "link 0 1 cut", "stalled", "up": partition, console.
func (m *Machine) link(a []string) error {
	p, c, to := number(a[0]), number(a[1]), raslab.LinkState(a[2])
	err := m.Lab.SetLink(p, c, to)
	if err == nil {
		m.history.add("", kindKeys)
		w := &m.keys.links[p][c-1]
		w.cut, w.stalled = to == raslab.LinkCut, to == raslab.LinkStalled
	}
	return m.refusal(err)
}

// path: "path 1 2 cut", "up": console, key server.
func (m *Machine) path(a []string) error {
	_, w := m.host(a[1])
	c := number(a[0])
	if w == nil || c < 1 || c > 2 {
		return nil
	}
	m.keys.consoles[c-1].cutTo[number(a[1])] = a[2] == "cut"
	return m.expect(true, m.Lab.SetPath(c, w.name, a[2] != "cut"))
}

func plan(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

func (m *Machine) armNet(a []string) error {
	c := number(a[0])
	err := m.Lab.ArmNetwork(c, plan(a[1]))
	if err == nil {
		m.history.add("", kindKeys)
		m.keys.consoles[c-1].plan = plan(a[1])
	}
	return m.refusal(err)
}

func (m *Machine) armLink(a []string) error {
	p, c := number(a[0]), number(a[1])
	err := m.Lab.ArmLink(p, c, plan(a[2]))
	if err == nil {
		m.history.add("", kindKeys)
		m.keys.links[p][c-1].plan = plan(a[2])
	}
	return m.refusal(err)
}

// armMemory: the memory under a signature. What other bits mean is no matter of the
// key path.
func (m *Machine) armMemory(a []string) error {
	p, plan := number(a[0]), plan(a[1])
	if plan != "" && !strings.HasPrefix(plan, "(memory.signature.") {
		return fmt.Errorf("proptest: plan %q, want one of memory.signature.flipped", plan)
	}
	err := m.Lab.ArmMemory(p, plan)
	if err == nil {
		m.history.add("", kindKeys)
		m.keys.memory[p] = plan
	}
	return m.expect(p == 0 || p == 1, err)
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
	default:
		return fmt.Errorf("proptest: manager %q, want active, inactive, kmip, ipp-tls or ipp", a[1])
	}
	_, err := m.Lab.ChangeKeyManager(id, c)
	asked := strings.HasPrefix(a[1], "ipp")
	if w != nil && c.Protocol != nil {
		if g := m.keys.group(w.group); g != nil && g.phase != phaseNone && g.ipp != asked {
			return m.expect(false, err) // a data key does not move to another protocol
		}
	}
	if w != nil {
		m.history.add("", kindKeys)
		switch {
		case c.Protocol != nil:
			w.plain, w.ipp = a[1] == "ipp", asked
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
		m.keys.managers = slices.DeleteFunc(m.keys.managers, func(o *worldManager) bool { return o == w })
	}
	return m.expect(w != nil, m.Lab.RemoveKeyManager(id))
}

// makeManager: "mk-manager 3 1 2": number, key server, key group.
func (m *Machine) makeManager(a []string) error {
	id, n, group := number(a[0]), number(a[1]), number(a[2])
	w := m.keys.host(n)
	if w == nil {
		return nil
	}
	free := id >= 1 && id <= 8 && group >= 1 && group <= 4 && !slices.ContainsFunc(m.keys.managers, func(o *worldManager) bool {
		return o.id == id || o.group == group && o.host == n
	})
	if g := m.keys.group(group); g != nil && g.phase != phaseNone && g.ipp {
		free = false // it would be one of KMIP
	}
	_, err := m.Lab.MakeKeyManager(raslab.KeyManagerRequest{ID: id, Addr: w.name, KeyGroup: group})
	if free {
		m.keys.managers = append(m.keys.managers, &worldManager{id: id, host: n, group: group})
		slices.SortFunc(m.keys.managers, func(a, b *worldManager) int { return a.id - b.id })
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
	life := time.Duration(max(number(a[0]), 1)) * time.Minute
	pem, err := m.Lab.CustomerCertificate(life)
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
	if can := g != nil && g.phase == phaseDone; !can || err != nil {
		return m.expect(can, err)
	}
	if !m.foreseen() {
		return nil
	}
	for i, w := range k.activeOf(id) {
		works := k.running && !k.unreadable() && k.request(0, w, g.key).only(theKey) && k.request(1, w, g.key).only(theKey)
		if i >= len(out) || out[i].KeyServer != w.id || works != (out[i].Err == nil) {
			return m.failf("test of access: key server %d gives the key: %v, the answer is %v", w.id, works, out)
		}
	}
	return nil
}
