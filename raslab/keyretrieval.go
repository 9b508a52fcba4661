package raslab

import (
	"errors"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// When keys are asked for. The connectivity query of twelve minutes and the four
// hours are from MAP4980; the period is an assumption (Options.KeyPeriod).
const (
	keyPeriod         = 8 * time.Hour
	connectivityQuery = 12 * time.Minute
	silenceMax        = 4 * time.Hour
)

// attempt is the result of one partition's request to one key manager.
type attempt struct {
	partition int
	manager   *keyManager
	err       error
	reason    reason
}

// reconnect gives every group the paths to its active key managers. Keys are made through whichever
// partition has a console.
func (l *Lab) reconnect() {
	for _, g := range l.keys.groups {
		g.enc.SetServers(l.eitherPaths(g.id))
		g.enc.SetMemory(&l.sfi.partitions[0].memory)
	}
}

// pathsOf lists the ways of a partition to the key managers of a group. A way that is asked for a
// key adds its manager to asked.
func (k *keys) pathsOf(group, partition int, asked *[]*keyManager) (out []encgroup.KeyServer) {
	for _, m := range k.activeOf(group) {
		out = append(out, askedPath{m.paths[partition], asked})
	}
	return out
}

// askedPath is a key path that records that it was asked.
type askedPath struct {
	*keyPath
	asked *[]*keyManager
}

// Get asks for a data key.
func (a askedPath) Get(uid string) (*secret.Key32, error) {
	*a.asked = append(*a.asked, a.manager)
	return a.keyPath.Get(uid)
}

// errPassedOver is of a server that was asked before the one that gave the key.
var errPassedOver = errors.New("another key server gave the key")

// answers lists the attempts of a partition that got the key: the last server that it asked gave
// it.
func answers(partition int, asked []*keyManager) (out []attempt) {
	for i, m := range asked {
		a := attempt{partition: partition, manager: m}
		if i < len(asked)-1 {
			a.err = errPassedOver
		}
		out = append(out, a)
	}
	return out
}

// eitherPath goes through partition 0, or through partition 1 where that cannot
// get the request to the server.
type eitherPath struct{ *keyManager }

func (l *Lab) eitherPaths(group int) (out []encgroup.KeyServer) {
	for _, m := range l.serversOf(group) { // a key that is made counts when a second server gives it back
		out = append(out, m.either())
	}
	return out
}

// retrieve lets each partition fetch the group's key from the servers, in order, until one gives
// it. The group is accessible if one partition has the key, because the partitions share it over
// the internal network (assumption). failed is the attempts of the partitions that got no key.
func (l *Lab) retrieve(g *keyGroup) (failed []attempt, err error) {
	g.without = nil
	var all []attempt
	for p := range l.sfi.partitions {
		var asked []*keyManager
		g.enc.SetServers(l.keys.pathsOf(g.id, p, &asked))
		g.enc.SetMemory(&l.sfi.partitions[p].memory)
		why := g.enc.Retrieve()
		if why == nil {
			all = append(all, answers(p, asked)...)
			continue
		}
		if err == nil {
			err = why
		}
		g.without = append(g.without, p)
		failed = append(failed, l.keys.attempts(g, p, why)...)
	}
	l.noteAll(g, append(all, failed...))
	l.reconnect()
	if g.enc.State() == encgroup.Accessible {
		err = nil
	}
	return failed, err
}

// attempts takes the error of a retrieval apart.
func (k *keys) attempts(g *keyGroup, partition int, err error) (out []attempt) {
	var r *encgroup.RetrieveError
	if !errors.As(err, &r) || len(r.Servers) == 0 {
		return []attempt{{partition: partition, err: err, reason: reasonOf(err)}}
	}
	for i, m := range k.activeOf(g.id) {
		e := r.Servers[i].Err
		out = append(out, attempt{partition: partition, manager: m, err: e, reason: reasonOf(e)})
	}
	return out
}

// probe lets one partition fetch a group's key from one server and try it on the
// record that was read from the repository. Nothing is changed.
func (s *sfi) probe(record []encgroup.Entry, p int, m *keyManager) error {
	return s.try(record, p, m.paths[p])
}

// try is probe over any way to the server.
func (s *sfi) try(record []encgroup.Entry, p int, by encgroup.KeyServer) error {
	e, err := encgroup.Load(record, []encgroup.KeyServer{by}, noEntropy{}, &encgroup.MemStore{})
	if err != nil {
		panic("BUG: raslab: a record that was read cannot be loaded: " + err.Error())
	}
	e.SetMemory(&s.partitions[p].memory)
	out, err := e.TestAccess()
	if err != nil {
		panic("BUG: raslab: the record of a configured group says otherwise: " + err.Error())
	}
	return out[0].Err
}

// noEntropy is for a group that is only read.
type noEntropy struct{}

func (noEntropy) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

// probeAll is probe for each partition that runs and each active server of the
// group. The error is one of the repository.
func (l *Lab) probeAll(g *keyGroup) (out []attempt, err error) {
	record, err := g.store.reading()
	if err != nil {
		return nil, err
	}
	managers := l.keys.activeOf(g.id)
	for p := range l.sfi.partitions {
		if !l.sfi.partitions[p].complete {
			continue
		}
		if len(managers) == 0 {
			out = append(out, attempt{partition: p, err: encgroup.ErrNoServer, reason: reasonNoServer})
		}
		for _, m := range managers {
			result := l.sfi.probe(record, p, m)
			out = append(out, attempt{partition: p, manager: m, err: result, reason: reasonOf(result)})
		}
	}
	l.noteAll(g, out)
	if got(out, 0) || got(out, 1) {
		g.keep()
	}
	return out, nil
}

// noteAll records the results of the requests for a group's key, server by server.
func (l *Lab) noteAll(g *keyGroup, all []attempt) {
	for _, m := range l.keys.activeOf(g.id) {
		if slices.ContainsFunc(all, func(a attempt) bool { return a.manager == m }) {
			l.note(m, g.id, firstError(all, m))
		}
	}
}

func firstError(all []attempt, m *keyManager) error {
	for _, a := range all {
		if a.manager == m && a.err != nil {
			return a.err
		}
	}
	return nil
}

// note records when a key manager was asked for a group's key, and the answer.
func (l *Lab) note(m *keyManager, group int, err error) {
	r := m.access[group]
	if r == nil {
		r = &accessRecord{}
		m.access[group] = r
	}
	m.failed = err != nil
	if err != nil {
		r.last, r.failure = "failed", l.Now()
		return
	}
	r.last, r.success = "success", l.Now()
}

// KeyPeriod is the time between two periodic key retrievals.
func (l *Lab) KeyPeriod() time.Duration { return l.options.KeyPeriod }

// SetKeyPeriod sets it, to at least a minute. The next retrieval is that long from now.
func (l *Lab) SetKeyPeriod(d time.Duration) error {
	if d < time.Minute {
		return refuse(ErrInvalid, "keygrp schedule", "a key retrieval every "+d.String(), "at least 1m is right")
	}
	l.options.KeyPeriod = d
	l.schedulePeriodic()
	l.logf("key server", "a periodic key retrieval every %s", Spell(d))
	return nil
}

func (l *Lab) schedulePeriodic() {
	l.keys.periodicDue = l.clock.now + l.options.KeyPeriod
	l.clock.after(l.options.KeyPeriod, "periodic key retrieval", periodic{l})
}

// periodic is the periodic key retrieval, as an event of the clock. An event that was scheduled
// before the period was changed comes too early and does nothing.
type periodic struct{ lab *Lab }

func (p periodic) run() {
	l := p.lab
	if l.clock.now < l.keys.periodicDue {
		return
	}
	l.schedulePeriodic()
	l.retrievePeriodically()
}

// NextKeyRetrieval is the time of the next periodic key retrieval. The facility learns then what
// happened to a key at a server, unless something asks earlier.
func (l *Lab) NextKeyRetrieval() time.Time { return l.Now().Add(l.keys.periodicDue - l.clock.now) }

// RetrieveKeys runs the periodic key retrieval now, beside those of the clock. It
// is for tests and rehearsals that will not wait.
func (l *Lab) RetrieveKeys() {
	defer l.unwound("periodic key retrieval", nil)
	l.retrievePeriodically()
}

// retrievePeriodically asks every active server of every accessible group for
// its key. A group that is inaccessible was reported by the IML.
func (l *Lab) retrievePeriodically() {
	if !l.sfi.anyAccess() {
		return
	}
	l.watchCertificate()
	for _, g := range l.keys.groups {
		l.retrieveIdleKey(g)
		if g.enc.State() != encgroup.Accessible {
			continue
		}
		all, err := l.probeAll(g)
		if len(l.serversOf(g.id)) < encgroup.MinServers { // by what the servers just told of themselves
			l.raiseFewServers(g)
		}
		if err != nil {
			l.raiseBroken(g, err)
			continue
		}
		l.reportPeriodic(g, all)
		for _, m := range l.keys.activeOf(g.id) {
			l.listen(m, all)
		}
	}
}

// retrieveIdleKey asks again for a key that the IML did not get and that no rank waits for. No
// partition has to reboot for it (assumption). The IML has reported that it is missing.
func (l *Lab) retrieveIdleKey(g *keyGroup) {
	if g.enc.State() != encgroup.Inaccessible || g.locksData() || g.broken != nil {
		return
	}
	if _, err := l.retrieve(g); err != nil {
		return
	}
	g.why = ""
	g.keep()
	l.logf("key server", "key group %d is %s again", g.id, g.enc.State())
}

// listen records how long a key manager has been silent, and says whether communication with it
// failed now.
func (l *Lab) listen(m *keyManager, all []attempt) bool {
	var over []int
	var why error
	answered := false
	for _, a := range all {
		if a.manager != m {
			continue
		}
		if a.reason.communication() {
			over = append(over, a.partition)
			why = a.err
		}
		answered = answered || a.reason.answered()
	}
	if len(over) == 0 {
		if answered && m.silent {
			m.silent, m.overdue = false, false
			l.logf("key server", "%s answers again", m.addr)
		}
		return false
	}
	if !m.silent {
		m.silent, m.overdue, m.since = true, false, l.Now()
	}
	m.overTLS, m.silentWhy, m.silentOver = m.protocol == ProtocolTLS, why.Error(), over
	l.query()
	return true
}

// query asks for a connectivity query in twelve minutes, if none is asked for.
func (l *Lab) query() {
	if l.keys.querying {
		return
	}
	l.keys.querying = true
	l.clock.after(connectivityQuery, "connectivity query", connectivity{l})
}

// connectivity is the query that partitions repeat every twelve minutes after BE14E004, BE14E008 or
// BE14E009, or while a server is silent. It ends when there is nothing more to wait for.
type connectivity struct{ lab *Lab }

func (c connectivity) run() {
	l := c.lab
	l.keys.querying = false
	if !l.sfi.partitions[0].complete || !l.sfi.partitions[1].complete {
		if l.keys.cutOff || l.keys.anySilent() {
			l.query()
		}
		return
	}
	for _, m := range l.keys.managers {
		if !m.silent || !m.active {
			continue
		}
		// A failing query reports the four hours too, unless it did not get as far as a console.
		if l.listen(m, l.probeOne(m)) && !m.overdue && l.Now().Sub(m.since) >= silenceMax {
			m.overdue = true
			l.raiseOverdue(m)
		}
	}
	if l.keys.cutOff {
		l.regain()
	}
	if l.keys.cutOff || l.keys.anySilent() {
		l.query()
	}
}

// delivered is a key server that holds one key, which a real server gave.
type delivered struct {
	*keyPath
	uid string
	key *secret.Key32
}

// Get gives the key that came.
func (d delivered) Get(uid string) (*secret.Key32, error) {
	if uid != d.uid {
		d.key.Clear()
		return nil, encgroup.ErrNoKey
	}
	return d.key, nil
}

// probeOne is probe of one server for each partition. The record is read only when there is a key
// to try on it, because a server that is missing for a year is asked many thousand times. If a key
// came and no record can be read, there is no attempt.
func (l *Lab) probeOne(m *keyManager) (out []attempt) {
	g := l.keys.group(m.group)
	if g == nil || g.enc.State() < encgroup.Inaccessible {
		return nil
	}
	uid := g.enc.UID()
	for p := range l.sfi.partitions {
		key, result := m.paths[p].Get(uid)
		if result == nil {
			record, err := g.store.reading()
			if err != nil {
				key.Clear()
				return nil
			}
			result = l.sfi.try(record, p, delivered{m.paths[p], uid, key})
		}
		out = append(out, attempt{partition: p, manager: m, err: result, reason: reasonOf(result)})
	}
	l.note(m, g.id, firstError(out, m))
	return out
}

func (k *keys) anySilent() bool {
	for _, m := range k.managers {
		if m.silent && m.active {
			return true
		}
	}
	return false
}

// load reads the groups' records at an IML. A bad copy of the repository is
// mended, after which the partitions reboot once more.
func (l *Lab) load() repository.Report {
	rep := l.records.openRepository()
	for _, g := range l.keys.groups {
		record, err := g.store.load()
		if errors.Is(err, repository.ErrNoEntry) && !errors.Is(err, errGone) {
			err = nil // nothing was ever recorded
		}
		if err == nil {
			err = g.reload(record)
		}
		if g.broken = err; err != nil {
			g.enc.PowerOff()
		}
	}
	l.cloud.load()
	l.reconnect()
	return rep
}

// reload makes the group anew from its record, as a partition that has booted.
func (g *keyGroup) reload(record []encgroup.Entry) error {
	g.enc.PowerOff()
	e, err := encgroup.Load(record, nil, g.entropy, g.store)
	if err != nil {
		return err
	}
	if g.recovery != nil {
		g.recovery.PowerOff()
	}
	g.enc, g.recovery = e, nil
	g.enc.SetNotes(notes{g.lab})
	g.lab.reconnect()
	return nil
}
