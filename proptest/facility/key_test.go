package facility

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// keyMachine has a third key server to restore keys from, and often a second key group.
func keyMachine(t *rapid.T) *Machine {
	// Mostly KMIP, since the RSA key pairs of IPP take a while to make.
	m := machine(t, "kmip", "kmip", "kmip", "kmip", "kmip", "kmip", "kmip", "kmip", "kmip", "kmip", "ipp-tls", "ipp")
	m.Must(t, "add-server")
	if rapid.Bool().Draw(t, "two groups") {
		for _, step := range []string{"mk-manager 3 1 2", "mk-manager 4 2 2", "group 2"} {
			m.Must(t, step)
		}
	}
	return m
}

// TestKeyPath: without a fault plan the model computes every SRC of the key path, every reboot, and
// what can be read.
func TestKeyPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := keyMachine(t)
		t.Repeat(m.KeyActions())
	})
}

// TestKeyPathWithFaultPlans: with fault plans it checks what no plan excuses.
func TestKeyPathWithFaultPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := keyMachine(t)
		t.Repeat(m.KeyPlanActions())
	})
}

// TestBrokenEverything: drives break while the way to their keys does.
func TestBrokenEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := keyMachine(t)
		t.Repeat(m.AllActions())
	})
}

// TestEveryKeySRCIsMet: each code of the key path comes from its cause. The steps break something
// and name no code.
func TestEveryKeySRCIsMet(t *testing.T) {
	const (
		prepare   = "seed=3 drives=16 | array S1; rank A0 1; write R0 0 1; "
		stop      = "stop-server 1; stop-server 2; "
		cutPaths  = "path 1 1 cut; path 1 2 cut; path 2 1 cut; path 2 2 cut; "
		cutLinks  = "link 0 1 cut; link 0 2 cut; link 1 1 cut; link 1 2 cut; "
		fourHours = "; advance 252"
	)
	for code, steps := range map[string]string{
		"BE14CFE0": stop + "power-cycle",
		"BE14CFE1": stop + "power-cycle; start-server 1; advance 12",
		"BE14CFE5": "damage-copy 2; iml",
		"BE14CFEA": "stop-server 2; retrieve",
		"BE14CFEB": "manager 2 inactive; retrieve",
		"BE14CFF5": "own-cert lost; mes",
		"BE14E004": "manager 1 inactive; manager 2 inactive; iml",
		"BE14E008": cutPaths + "iml",
		"BE14E009": cutLinks + "iml",
		"BE14E00B": "console 1 hung; console 2 hung; iml",
		"BE14E011": "lose-key 1 1; lose-key 2 1; iml",
		"BE14E012": "damage-key 1 1 3; damage-key 2 1 3; iml",
		"BE14E013": "arm-memory 0 (memory.signature.flipped (Byte 3)); arm-memory 1 (memory.signature.flipped (Byte 3)); iml",
		"BE14E0F1": "reissue 1 unknown own 0; reissue 2 unknown own 0; iml",
		"BE14E1F6": stop + "power-cycle; repair R1-I1-D08; start-server 1; advance 12",
		"BE14E3F7": "damage-copy 1; damage-copy 2; damage-copy 3; retrieve",
		"BE14EA0B": "arm-link 0 1 (link.command.stalled (Not (OnIndex 0))); arm-link 0 2 (link.command.stalled); retrieve",
		"BE14EA11": "lose-key 2 1; retrieve",
		"BE14EA12": "damage-key 2 1 3; retrieve",
		"BE14EA13": "arm-memory 0 (memory.signature.flipped (And (Byte 31) (OnIndex 1))); retrieve",
		"BE14EAF1": "stop-server 2; retrieve",
		"BE14EAF2": "stop-server 2; retrieve" + fourHours,
		"BE14EAF3": "reissue 2 customer other 0; retrieve",
		"BE14EAF4": "reissue 2 customer own 60; advance 480" + fourHours,
	} {
		t.Run(code, func(t *testing.T) {
			require.NotContains(t, steps, "BE", "no step names a code")
			run := prepare + steps
			if code == "BE14EAF1" || code == "BE14EAF2" {
				run = strings.Replace(run, " |", " keys=ipp |", 1) // without TLS
			}
			m, err := Replay(run)
			require.NoError(t, err)
			require.Contains(t, metBy(m), code, "%s\n%s", steps, m.Lab.TraceText())
			healthy, err := Replay(prepare + "iml; mes; retrieve; advance 800; test-access 1")
			require.NoError(t, err)
			require.Empty(t, metBy(healthy), "nothing comes of no cause")
		})
	}
}

func metBy(m *Machine) (met []string) {
	for _, e := range m.Lab.Events() {
		met = append(met, e.SRC)
	}
	return met
}

// TestKeyChecksCanFail: the checks find a model of the key path that is wrong, and a facility that
// hides an event.
func TestKeyChecksCanFail(t *testing.T) {
	const start = "seed=3 drives=16 | array S1; rank A0 1; write R0 0 1; "
	for name, c := range map[string]struct {
		before string
		wrong  func(*Machine)
		step   string
		why    string
	}{
		"a hidden code":   {"stop-server 2", hide("BE14EAF3", true), "retrieve", "the cause of BE14EAF3 held"},
		"a hidden repeat": {"stop-server 2; retrieve", hide("BE14CFEA", false), "retrieve", "the cause of BE14CFEA held"},
		"an invented partition": {"link 0 1 cut; link 0 2 cut", func(m *Machine) {
			change(m, func(e *raslab.ServiceEvent) { e.Partitions = []int{0, 1} })
		}, "iml", "is of partitions [0 1], expected [0]"},
		"an invented server": {"stop-server 2", func(m *Machine) {
			change(m, func(e *raslab.ServiceEvent) { e.KeyServers = append([]int{2}, 1) })
		}, "retrieve", "names key servers [1 2], expected [2]"},
		"a server that is off, unknown to the model": {"", func(m *Machine) { _ = m.Lab.Customer().Stop(1) }, "retrieve", "its cause did not hold"},
		"a server that only the model has off":       {"", func(m *Machine) { m.keys.server(2).off = true }, "retrieve", "the cause of BE14EAF3 held"},
		"a link that only the model has cut":         {"", func(m *Machine) { m.keys.links[1] = [2]hmcLink{{cut: true}, {cut: true}} }, "iml", "the cause of BE14E009 held"},
		"a certificate of another life":              {"reissue 1 customer own 90", func(m *Machine) { m.keys.server(1).until = m.keys.now.Add(forever) }, "advance 500", "its cause did not hold"},
		"a retrieval at another time":                {"stop-server 1", func(m *Machine) { m.keys.periodicDue = m.keys.periodicDue.Add(time.Minute) }, "advance 480", "its cause did not hold"},
		"a query that does not come":                 {"stop-server 1; stop-server 2; iml; start-server 1", func(m *Machine) { m.keys.queryDue = time.Time{} }, "advance 12", "BE14CFE1"},
		"a code that stays open with BE14CFE1": {"stop-server 1; stop-server 2; iml; start-server 1", func(m *Machine) {
			change(m, func(e *raslab.ServiceEvent) { e.Open = e.Open || e.SRC == "BE14E008" })
		}, "advance 12", "stayed open when access came back"},
		"a code too many that BE14CFE1 takes": {"stop-server 1; stop-server 2; iml; start-server 1", func(m *Machine) {
			change(m, func(e *raslab.ServiceEvent) {
				if e.SRC == "BE14CFE0" {
					e.Open, e.ClosedBy = false, "facility"
				}
			})
		}, "advance 12", "was closed by the facility, and access did not come back"},
		"a cause that only the model has":         {"stop-server 2; retrieve; start-server 2", func(m *Machine) { m.keys.server(2).off = true }, "close 1", "expected a refusal"},
		"a cause that the model has gone":         {"stop-server 2; retrieve", func(m *Machine) { m.keys.server(2).off = false }, "close 1", "was refused without a reason"},
		"a service action of the model's":         {"", func(m *Machine) { m.keys.busy = true }, "iml", "expected a refusal"},
		"a group that only the model opened":      {"stop-server 1; stop-server 2; iml", func(m *Machine) { m.keys.group(1).accessible = true }, "health", "key group 1 is inaccessible"},
		"a key that the model does not know":      {"", func(m *Machine) { clear(m.keys.server(1).keys) }, "health", "holds key"},
		"a key that only the model holds":         {"", func(m *Machine) { m.keys.server(1).keys["x"] = 0 }, "health", "holds 1 keys, expected 2"},
		"a copy that was mended in silence":       {"damage-copy 2", hide("BE14CFE5", true), "iml", "the cause of BE14CFE5 held"},
		"a fault plan that cannot have locked it": {"arm-net 1 (net.connect.refused (OnIndex 0))", func(m *Machine) { _ = m.Lab.HangConsole(1, true); _ = m.Lab.HangConsole(2, true) }, "iml", "and a server gave its key"},
		"a fault plan that cannot have opened it": {"arm-net 1 (net.connect.refused (OnIndex 0))", func(m *Machine) { m.keys.server(1).off, m.keys.server(2).off = true, true }, "iml", "no server can have given its key"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Replay(start + c.before)
			require.NoError(t, err)
			c.wrong(m)
			var f *proptest.Failure
			require.ErrorAs(t, m.Do(c.step), &f, "the check is not blind")
			require.Contains(t, f.Why, c.why)
			require.Contains(t, f.Replay, "; "+c.step+"'")
			require.NotEmpty(t, f.Trace)
		})
	}
	m, err := Replay(start)
	require.NoError(t, err)
	m.keys.group(1).accessible = false
	require.ErrorContains(t, m.checkAccess("R0", nil), "no server has given its key", "data without a key are found")
}

// change changes the events before the checks see them.
func change(m *Machine, how func(*raslab.ServiceEvent)) {
	m.events = func() []raslab.ServiceEvent {
		all := m.Lab.Events()
		for i := range all {
			how(&all[i])
		}
		return all
	}
}

// hide takes a code out of the events, or keeps its count at 1.
func hide(code string, whole bool) func(*Machine) {
	return func(m *Machine) {
		change(m, func(e *raslab.ServiceEvent) {
			switch {
			case e.SRC == code && whole:
				e.SRC = "BE3400B3"
			case e.SRC == code:
				e.Count = 1
			}
		})
	}
}

// TestModelKnowsNoFacility: the files of the model import nothing of the project, so that model and
// facility are not wrong in the same way.
func TestModelKnowsNoFacility(t *testing.T) {
	for _, name := range []string{"keymodel.go", "keyrequest.go", "keypairs.go", "keyretrieval.go"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			require.NotContains(t, i.Path.Value, "fdelab", "%s imports nothing of the project", name)
		}
	}
}
