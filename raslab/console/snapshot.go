package console

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// LineResult is what became of one line of a script, for programs. The line itself
// is not repeated: it may hold a PIN.
type LineResult struct {
	Line    int     `json:"line"` // counted from 1
	Verdict Verdict `json:"verdict"`
	Output  string  `json:"output"`
	Error   string  `json:"error,omitempty"`
}

// NewLineResult is the result of a line as RunScript reports it.
func NewLineResult(line int, verdict Verdict, err error, output string) LineResult {
	r := LineResult{Line: line, Verdict: verdict, Output: output}
	if err != nil {
		r.Error = ErrorText(err)
	}
	return r
}

// Snapshot is a facility at one moment, for programs. It holds no secret.
type Snapshot struct {
	Serial        string              `json:"serial"`
	Time          time.Time           `json:"time"` // virtual
	Partitions    []PartitionSnapshot `json:"partitions"`
	GroupStates   []int               `json:"encryptionGroupsStates"`
	ServiceAction string              `json:"serviceAction,omitempty"` // in progress
	KeyGroups     []GroupSnapshot     `json:"keyGroups"`
	KeyManagers   []ManagerSnapshot   `json:"keyManagers"`
	Ranks         []RankSnapshot      `json:"ranks"`
	Drives        []DriveSnapshot     `json:"drives"`
	Events        []EventSnapshot     `json:"events"`
}

// PartitionSnapshot is one partition (LPAR).
type PartitionSnapshot struct {
	ID         int       `json:"id"`
	State      string    `json:"state"`
	DataAccess bool      `json:"dataAccess"`
	LastIML    time.Time `json:"lastIML"`
}

// GroupSnapshot is one encryption group.
type GroupSnapshot struct {
	ID      int      `json:"id"`
	State   string   `json:"state"`
	Type    string   `json:"type"`
	Ranks   []string `json:"ranks"`
	Members []string `json:"members"` // serial numbers
	Why     string   `json:"why,omitempty"`
}

// ManagerSnapshot is one key manager.
type ManagerSnapshot struct {
	ID       int    `json:"id"`
	Addr     string `json:"addr"`
	Port     int    `json:"port"`
	KeyGroup int    `json:"keyGroup"`
	State    string `json:"state"`
	Status   string `json:"status"`
}

// RankSnapshot is one rank.
type RankSnapshot struct {
	ID        string   `json:"id"`
	Array     string   `json:"array"`
	KeyGroup  int      `json:"keyGroup"` // 0: unencrypted
	State     string   `json:"state"`
	DataState string   `json:"dataState"`
	Members   []string `json:"members"` // slots, by position
}

// DriveSnapshot is one slot and the drive in it.
type DriveSnapshot struct {
	Slot     string `json:"slot"`
	Location string `json:"location"`
	Serial   string `json:"serial"` // empty if the slot is
	Site     string `json:"site"`
	Rank     string `json:"rank"`
	Use      string `json:"use"`
	State    string `json:"state"`
	Why      string `json:"why,omitempty"`
	// Keys is the state of the lifecycle. It is empty for a drive that does not answer or cannot
	// encrypt.
	Keys   string `json:"keys"`
	Locked bool   `json:"locked"`
}

// EventSnapshot is one serviceable event.
type EventSnapshot struct {
	ID         int        `json:"id"`
	SRC        string     `json:"src"`
	Severity   string     `json:"severity"`
	First      time.Time  `json:"first"`
	Last       time.Time  `json:"last"`
	Count      int        `json:"count"`
	Locations  []string   `json:"locations"`
	Slots      []string   `json:"slots"`
	KeyServers []int      `json:"keyServers"`
	Partitions []int      `json:"partitions"`
	Found      []string   `json:"found"`
	FRUs       []string   `json:"frus"`             // in the order of replacement
	CallHome   string     `json:"callHome"`         // how far the request for service has come
	Problem    string     `json:"record,omitempty"` // number of the problem record at the support centre
	Open       bool       `json:"open"`
	Closed     *time.Time `json:"closed,omitempty"`
	ClosedBy   string     `json:"closedBy,omitempty"`
	ClosedWhy  string     `json:"closedWhy,omitempty"`
}

// Snapshots is each facility of the session as it is now, in the order in which they
// were built.
func Snapshots(s *Session) []Snapshot {
	return each(s.labs, snapshot)
}

func snapshot(lab *raslab.Lab) Snapshot {
	return Snapshot{
		Serial: lab.Serial(), Time: lab.Now(), GroupStates: lab.GroupStates(), ServiceAction: lab.ServiceAction(),
		Partitions: each(lab.Partitions(), func(p raslab.PartitionInfo) PartitionSnapshot {
			return PartitionSnapshot(p)
		}),
		KeyGroups: each(lab.Groups(), func(g raslab.GroupInfo) GroupSnapshot {
			return GroupSnapshot{ID: g.ID, State: g.State, Type: g.Type, Ranks: list(g.Ranks), Members: list(g.Members), Why: plain(g.Why)}
		}),
		KeyManagers: each(lab.KeyManagers(), func(m raslab.KeyManagerInfo) ManagerSnapshot {
			return ManagerSnapshot{ID: m.ID, Addr: m.Addr, Port: m.Port, KeyGroup: m.KeyGroup, State: m.State, Status: m.Status}
		}),
		Ranks: each(lab.Ranks(), func(r raslab.RankInfo) RankSnapshot {
			return RankSnapshot{
				ID: r.ID, Array: r.Array, KeyGroup: r.KeyGroup, State: r.State, DataState: r.DataState,
				Members: each(r.Members, func(m raslab.MemberInfo) string { return m.Slot }),
			}
		}),
		Drives: each(lab.Drives(), func(d raslab.DriveInfo) DriveSnapshot {
			out := DriveSnapshot{Slot: d.Slot, Location: d.Location, Serial: d.Serial, Site: d.Site, Rank: d.Rank, Use: string(d.Use), State: string(d.State), Why: plain(d.Why)}
			if d.Answers && !d.Plain {
				out.Keys, out.Locked = d.Status.State.String(), d.Status.Locked
			}
			return out
		}),
		Events: each(lab.Events(), func(e raslab.ServiceEvent) EventSnapshot {
			out := EventSnapshot{
				ID: e.ID, SRC: e.SRC, Severity: string(e.Severity), First: e.First, Last: e.Last, Count: e.Count, Locations: list(e.Locations), Slots: list(e.Slots),
				KeyServers: list(e.KeyServers), Partitions: list(e.Partitions), Found: each(e.Found, plain),
				FRUs: each(e.FRUs, fruText), CallHome: string(e.Call.State), Problem: e.Call.Number, Open: e.Open, ClosedBy: e.ClosedBy, ClosedWhy: plain(e.ClosedWhy),
			}
			if !e.Open {
				out.Closed = &e.Closed
			}
			return out
		}),
	}
}

// each maps a list; the result is never nil, so that it is [] in JSON and not null.
func each[A, B any](from []A, f func(A) B) []B {
	out := make([]B, len(from))
	for i, a := range from {
		out[i] = f(a)
	}
	return out
}

func list[A any](from []A) []A { return each(from, func(a A) A { return a }) }
