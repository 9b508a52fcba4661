package proptest

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// TestPrintTellsCandidatesApart: whatever a command can find out about a model is in its print. The
// counts of the fields are here so that a new one is not forgotten.
func TestPrintTellsCandidatesApart(t *testing.T) {
	fields := func(v any) int { return reflect.TypeOf(v).NumField() }
	require.Equal(t, []int{15, 2, 6, 2, 5}, []int{fields(model{}), fields(slot{}), fields(band{}), fields(sector{}), fields(drive.RangeConfig{})})
	cfg := DefaultConfig()
	seen := map[string]string{newModel(cfg).print(): "nothing"}
	for what, change := range map[string]func(w *model){
		"on":             func(w *model) { w.on = false },
		"trusted":        func(w *model) { w.trusted = false },
		"rotten":         func(w *model) { w.rotten = true },
		"fresh":          func(w *model) { w.fresh = true },
		"state":          func(w *model) { w.state++ },
		"key generation": func(w *model) { w.keygen++ },
		"tries of PSID":  func(w *model) { w.psid++ },
		"tries, lost":    func(w *model) { w.lost++ },
		"session":        func(w *model) { w.session = drive.SID },
		"a PIN":          func(w *model) { w.slots[1].pin++ },
		"another PIN":    func(w *model) { w.slots[2].pin++ },
		"its tries":      func(w *model) { w.slots[1].tries = 200 },
		"start":          func(w *model) { w.ranges[1].c.Start++ },
		"length":         func(w *model) { w.ranges[1].c.Length++ },
		"read lock":      func(w *model) { w.ranges[1].c.ReadLockEnabled = true },
		"write lock":     func(w *model) { w.ranges[1].c.WriteLockEnabled = true },
		"reset":          func(w *model) { w.ranges[1].c.LockOnReset = 0 },
		"read":           func(w *model) { w.ranges[1].read = true },
		"write":          func(w *model) { w.ranges[1].write = true },
		"keep read":      func(w *model) { w.ranges[1].keep[0] = true },
		"keep write":     func(w *model) { w.ranges[1].keep[1] = true },
		"key in RAM":     func(w *model) { w.ranges[1].ram = false },
		"a shared key":   func(w *model) { w.ranges[1].key = w.ranges[0].key },
		"content":        func(w *model) { w.sectors[1].content++ },
		"under a key":    func(w *model) { w.sectors[1] = sector{1, w.ranges[0].key} },
		"another key":    func(w *model) { w.sectors[1] = sector{1, w.ranges[1].key} },
		"a key not here": func(w *model) { w.sectors[1] = sector{2, 99} },
	} {
		w := newModel(cfg)
		change(w)
		require.Empty(t, seen[w.print()], "%s looks like that", what)
		seen[w.print()] = what
	}
	w := newModel(cfg)
	for n := range w.ranges {
		w.ranges[n].key += 10
	}
	w.cfg.Serial, w.alts = "other", []*model{newModel(cfg)}
	require.Equal(t, "nothing", seen[w.print()], "the number of a key, and what the flash may hold, do not count")
}
