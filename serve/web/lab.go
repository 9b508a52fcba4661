package web

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// historyMost is how many commands the history keeps.
const historyMost = 200

// Ran is a command that was given on a page, as every page may show it.
type Ran struct {
	Line    string // without secrets
	Verdict console.Verdict
	Times   int       // how often, by time that runs; 0: it was given once
	Error   string    // one line; empty if it was done. What it printed is not kept: it may hold a secret
	At      time.Time // virtual, after it
}

// State is what the pages show: a facility at one moment, copied. Nobody changes it.
type State struct {
	Version    uint64 // counts commands
	Serials    []string
	Serial     string // of the facility at hand; empty if there is none, and so is all that follows but History
	Machine    string // type and serial number of the unit
	Now        time.Time
	Valid      string // the step that is valid at the panel; empty while none is
	Action     string // the service action in progress
	Codes      []int  // encryptionGroupsStates
	Groups     []raslab.GroupInfo
	Partitions []raslab.PartitionInfo
	Consoles   []raslab.ConsoleInfo
	Enclosures []raslab.EnclosureInfo
	Sites      []raslab.SiteInfo
	Arrays     []raslab.ArrayInfo
	Ranks      []raslab.RankInfo
	Managers   []raslab.KeyManagerInfo
	Events     []raslab.ServiceEvent
	Retrieval  time.Time // the next periodic key retrieval
	Period     time.Duration
	Access     map[int][]raslab.AccessRecord // by key group
	Owed       map[int][]string              // by key group: members that still need something of a rekey
	Held       raslab.CertificateInfo        // the certificate that the facility shows to key servers
	Custody    []raslab.CustodyRecord
	Speed      int    // virtual seconds a second, while time runs; 0: it stands still
	Story      *Story // the rehearsal that is played; nil: none
	History    []Ran  // the latest first
	Older      bool   // there were more than History keeps
	Campaigns  *Board // of no facility; nil: none are shown
}

// Open counts the serviceable events that are open.
func (st *State) Open() int {
	n := 0
	for _, e := range st.Events {
		if e.Open {
			n++
		}
	}
	return n
}

// lab owns a session. State is read by anybody at any time.
type lab struct {
	turn    sync.Mutex       // who gives a command has it: see take
	mu      sync.Mutex       // has the session
	home    *console.Session // that of the laboratory
	session *console.Session // at hand: home, or that of a rehearsal
	lesson  *lesson          // the rehearsal; nil: none
	history []Ran
	older   bool          // the laboratory ran commands that history does not keep any more
	speed   int           // virtual seconds a second; 0: time stands still
	halt    chan struct{} // closed when time is to stand still
	state   atomic.Pointer[State]

	waiting sync.Mutex
	changed chan struct{} // closed at the next change
}

func newLab(session *console.Session) *lab {
	l := &lab{home: session, session: session, changed: make(chan struct{})}
	l.state.Store(l.look(0))
	return l
}

// take waits until the session is free for a command. A command that asks a person holds back other commands while it
// waits, and nobody who looks: it keeps the turn and gives mu back.
func (l *lab) take() {
	l.turn.Lock()
	l.mu.Lock()
}

func (l *lab) release() {
	l.mu.Unlock()
	l.turn.Unlock()
}

// news is the state, and a channel that is closed when there is another.
func (l *lab) news() (*State, <-chan struct{}) {
	l.waiting.Lock()
	defer l.waiting.Unlock()
	return l.state.Load(), l.changed
}

// Answer is what a command came to, for who gave it.
type Answer struct {
	Line    string // without secrets; what was typed, where that was not understood
	Verdict console.Verdict
	Output  string
	Error   string
}

// errNoQuit answers quit: the lab goes on, whoever leaves.
var errNoQuit = errors.New("a page has no end: close it; the laboratory goes on until fdelab web is interrupted")

// run runs a line and tells all pages.
func (l *lab) run(line string) Answer {
	l.take()
	defer l.release()
	if l.lesson != nil {
		return l.act(line)
	}
	shown, err := console.Shown(line)
	if err != nil {
		return Answer{Line: line, Verdict: console.NotUnderstood, Error: console.ErrorText(err)}
	}
	if len(shown) == 0 {
		return Answer{Verdict: console.Done}
	}
	a := l.each(line, shown)
	l.tell()
	return a
}

// each runs the commands of a line that is understood, and writes them into the history. The caller holds mu.
func (l *lab) each(line string, shown []string) Answer {
	a := Answer{Line: strings.Join(shown, "; "), Verdict: console.Done}
	var out bytes.Buffer
	next := 0
	l.session.Each(line, &out, func(err error) bool {
		if errors.Is(err, console.ErrQuit) {
			err = errNoQuit
		}
		ran := Ran{Line: shown[next], Verdict: console.VerdictOf(err)}
		next++
		if err != nil {
			ran.Error = strings.ReplaceAll(console.ErrorText(err), "\n", " ")
			a.Verdict, a.Error = ran.Verdict, ran.Error
		}
		l.remember(ran)
		return err == nil
	})
	a.Output = out.String()
	return a
}

// remember adds a command to the history. The caller holds mu.
func (l *lab) remember(ran Ran) {
	if at := l.session.Lab(); at != nil {
		ran.At = at.Now()
	}
	l.older = l.older || len(l.history) == historyMost
	l.history = append([]Ran{ran}, l.history[:min(len(l.history), historyMost-1)]...)
}

// tell renews the state and wakes all who wait for another.
func (l *lab) tell() {
	st := l.look(l.state.Load().Version + 1)
	l.waiting.Lock()
	defer l.waiting.Unlock()
	l.state.Store(st)
	close(l.changed)
	l.changed = make(chan struct{})
}

// look copies what the facility at hand is like. Nothing that it asks changes the facility.
func (l *lab) look(version uint64) *State {
	st := &State{Version: version, History: l.history, Older: l.older, Speed: l.speed, Story: l.story()}
	for _, f := range l.session.Labs() {
		st.Serials = append(st.Serials, f.Serial())
	}
	f := l.session.Lab()
	if f == nil {
		return st
	}
	st.Serial, st.Now = f.Serial(), f.Now()
	st.Machine = fmt.Sprintf("%s, serial number %s", f.MachineType(), f.UnitSerial())
	st.Valid, st.Action, st.Codes = f.ValidState(), f.ServiceAction(), f.GroupStates()
	st.Groups, st.Partitions, st.Consoles = f.Groups(), f.Partitions(), f.Consoles()
	st.Enclosures, st.Sites, st.Arrays, st.Ranks = f.Enclosures(), f.Sites(), f.Arrays(), f.Ranks()
	st.Managers, st.Events, st.Retrieval = f.KeyManagers(), f.Events(), f.NextKeyRetrieval()
	st.Period, st.Held, st.Custody = f.KeyPeriod(), f.FacilityCertificate(), f.Custody()
	st.Access, st.Owed = map[int][]raslab.AccessRecord{}, map[int][]string{}
	for _, g := range st.Groups {
		st.Access[g.ID], _ = f.GroupAccess(g.ID) // it is there
		st.Owed[g.ID] = f.OwedToGroup(g.ID)
	}
	return st
}

// ask reads more of the facility of a state than the state holds. It is not asked if it is not at hand any more.
func (l *lab) ask(st *State, read func(f *raslab.Lab)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.session.Lab(); f != nil && f.Serial() == st.Serial {
		read(f)
	}
}

// complete lists how a line may go on.
func (l *lab) complete(text string) []console.Candidate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lesson != nil {
		return l.lesson.Complete(text)
	}
	return console.Complete(l.session, text)
}
