package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// look is how a word of state is shown: a shape that says the same, and a tone on top of both. A word that is well
// has no tone.
type look struct{ glyph, tone string }

var looks = map[string]look{
	// of keys
	"unlocked": {"open", ""}, "locked": {"lock", ""}, "erased": {"ring", ""}, "DEGRADED": {"warn", "bad"}, "silent": {"x", "warn"}, "plain": {"ring", ""},
	// of drives
	"Failed": {"x", "bad"}, "Missing": {"x", "bad"}, "Deferred": {"tri", "warn"}, "Not fit": {"no", "warn"}, "Removed": {"x", "warn"},
	"Target": {"copy", "busy"}, "Source": {"copy", "busy"}, "Rebuilding": {"copy", "busy"}, "Rebuildi": {"copy", "busy"},
	"Failed - Deferred Service": {"tri", "warn"}, "Inappropriate": {"no", "warn"}, "Migration Target": {"copy", "busy"}, "Migration Source": {"copy", "busy"},
	// of ranks and their members
	"Degraded": {"warn", "bad"}, "Inaccessible": {"no", "bad"}, "Removing": {"wait", "busy"},
	"in sync": {"ok", ""}, "inaccessible": {"no", "bad"}, "stale": {"tri", "warn"},
	// of key managers, groups and partitions
	"normal": {"ok", "good"}, "inactive": {"no", "warn"}, "active": {"ok", ""}, "degraded": {"tri", "warn"}, "accessible": {"ok", "good"}, "unconfigured": {"ring", ""},
	"configuring": {"wait", "busy"}, "up": {"ok", ""}, "cut": {"x", "warn"}, "stalled": {"wait", "warn"},
	// of events
	string(src.Informational): {"", ""}, string(src.Warning): {"tri", "warn"}, string(src.Serious): {"warn", "bad"}, string(src.Critical): {"warn", "bad"},
	"open": {"tri", ""}, "closed": {"ok", ""},
	"none": {"no", "warn"}, "off": {"x", "warn"}, "success": {"ok", "good"},
	// of rehearsals, servers and certificates
	"ended": {"ok", "good"}, "running": {"ok", ""}, "stopped": {"x", "warn"}, "its service does not run": {"x", "warn"},
	"accepted": {"ok", "good"}, "not accepted": {"no", "bad"}, "valid": {"ok", "good"}, "not valid": {"no", "bad"},
	// of campaigns, and what ends in them
	"runs": {"copy", "busy"}, "ends": {"wait", "busy"}, "does not answer": {"x", "warn"}, "does not run": {"x", "warn"}, "out of reach": {"x", "warn"}, "not readable": {"no", "warn"}, "time is up": {"wait", ""}, "no answer": {"x", "warn"},
	"sound": {"ok", ""}, "passed": {"ok", ""}, "caught": {"ok", ""}, "unjudged": {"no", "warn"}, "unsafe": {"warn", "bad"}, "stuck": {"x", "bad"}, "hangs": {"wait", "bad"},
	"crashed": {"x", "bad"}, "lives": {"warn", "bad"}, "set aside": {"no", "bad"}, "not run": {"no", "bad"},
	"met": {"ok", ""}, "not met": {"ring", ""}, "may hold secrets": {"lock", "warn"},
	// of commands
	string(console.Done): {"ok", "good"}, string(console.Failed): {"x", "bad"}, string(console.Refused): {"no", "bad"}, string(console.NotUnderstood): {"no", "warn"},
}

// tileLook is that of a drive: the worse of its own state and that of its keys.
func tileLook(state, keys string) look {
	l, k := looks[state], looks[keys]
	if k.tone == "bad" || l.glyph == "" {
		l = look{k.glyph, k.tone}
	}
	return l
}

// tint is the class of a rank's colour: a few, over and over. The name of the rank always stands beside it.
func tint(rank string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(rank, "R"))
	if err != nil {
		return "rn"
	}
	return []string{"r0", "r1", "r3"}[n%3]
}

// tileLabel is what a tile is called: what it shows, and then where it is and why.
func tileLabel(d raslab.DriveInfo) string {
	number, state, keys := console.Cell(d)
	label := strings.Join(strings.Fields(strings.Join([]string{number, state, keys, d.Rank}, " ")), " ") + ", " + d.Slot
	if d.Why != "" {
		label += ", " + d.Why
	}
	return label
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// codes writes the states of the groups as the panel does: {3,0}.
func codes(list []int) string {
	return "{" + strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ",") + "}"
}

// stateOf is the state of the group at a place of the list, as the facility words it.
func stateOf(st *State, place int) string {
	for _, g := range st.Groups {
		if g.ID == place {
			return g.State
		}
	}
	return "unconfigured"
}

// ordinal is the place in a list.
func ordinal(n int) string {
	switch n {
	case 1:
		return "1st"
	case 2:
		return "2nd"
	case 3:
		return "3rd"
	}
	return fmt.Sprintf("%dth", n)
}

// drivesIn counts the drives of a facility.
func drivesIn(st *State) int {
	n := 0
	for _, e := range st.Enclosures {
		for _, d := range e.Slots {
			if d.Serial != "" {
				n++
			}
		}
	}
	return n
}

// encrypted counts the ranks that have an encryption group.
func encrypted(st *State) int {
	n := 0
	for _, r := range st.Ranks {
		if r.KeyGroup > 0 {
			n++
		}
	}
	return n
}

// tally counts drives by what is not well with them, in the order in which they stand.
func tally(slots []raslab.DriveInfo) (well int, odd []string) {
	found := map[string]int{}
	var order []string
	for _, d := range slots {
		_, state, keys := console.Cell(d)
		word := ""
		switch {
		case d.Serial == "":
			word = "empty"
		case looks[state].tone != "":
			word = state
		case looks[keys].tone != "":
			word = keys
		default:
			well++
			continue
		}
		if found[word] == 0 {
			order = append(order, word)
		}
		found[word]++
	}
	for _, word := range order {
		odd = append(odd, fmt.Sprintf("%d %s", found[word], word))
	}
	return well, odd
}

func inSync(r raslab.RankInfo) int {
	n := 0
	for _, m := range r.Members {
		if m.State == "in sync" {
			n++
		}
	}
	return n
}

// downManagers counts the key managers whose last retrieval failed.
func downManagers(st *State) int {
	n := 0
	for _, m := range st.Managers {
		if m.Status != "normal" {
			n++
		}
	}
	return n
}

// dataWell says whether both partitions have their data.
func dataWell(st *State) bool {
	for _, p := range st.Partitions {
		if !p.DataAccess {
			return false
		}
	}
	return len(st.Partitions) > 0
}

// because adds a warning to what it warns of.
func because(warning string) string {
	if warning == "" {
		return ""
	}
	return ": " + warning
}

// partitionsOf are those that reported an event.
func partitionsOf(e raslab.ServiceEvent) string {
	var words []string
	for _, p := range e.Partitions {
		words = append(words, strconv.Itoa(p))
	}
	return dash(strings.Join(words, ", "))
}

// eventsOfManager are the open events that name a key manager.
func eventsOfManager(st *State, id int) []raslab.ServiceEvent {
	var all []raslab.ServiceEvent
	for _, e := range st.Events {
		if e.Open && slices.Contains(e.KeyServers, id) {
			all = append(all, e)
		}
	}
	return all
}

func promptOf(st *State) string {
	if st.Serial == "" {
		return "no facility>"
	}
	return st.Serial + ">"
}

// serverWord is how a machine with a key service is.
func serverWord(up, service bool) string {
	switch {
	case !up:
		return "stopped"
	case !service:
		return "its service does not run"
	}
	return "running"
}

func power(on bool) string {
	if on {
		return "has power"
	}
	return "no power"
}

// speedWord is how fast time runs.
func speedWord(speed int) string {
	if speed == 0 {
		return "stands still"
	}
	return fmt.Sprintf("runs 1 : %d", speed)
}

// untilRetrieval is how long it is until keys are retrieved again, as a command takes it; empty if that is now.
func untilRetrieval(st *State) string {
	if d := st.Retrieval.Sub(st.Now); d > 0 {
		return d.String()
	}
	return ""
}
