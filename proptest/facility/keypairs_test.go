package facility

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// startIPP has a seed with which key pairs are made fast.
const startIPP = "seed=38 drives=16 keys=ipp-tls | array S1; rank A0 1; write R0 0 1; "

// TestKeyPairs: either key pair of a server opens the data key, and without both it gives none. The
// model computes the codes of each run.
func TestKeyPairs(t *testing.T) {
	const lost = "lose-pair 1 ds8000_a; lose-pair 2 ds8000_a; "
	for name, c := range map[string]struct {
		steps string
		met   []string
		open  bool // the group, in the end
	}{
		"one pair lost on both":             {lost + "retrieve; power-cycle; read R0 0", nil, true},
		"one pair damaged on both":          {"damage-pair 1 ds8000_b 3; damage-pair 2 ds8000_b 9; retrieve; power-cycle", nil, true},
		"another pair on each":              {"lose-pair 1 ds8000_a; damage-pair 2 ds8000_b 5; retrieve; iml", nil, true},
		"both lost on one":                  {"lose-key 2 1; retrieve; iml", []string{"BE14CFEA", "BE14EA11"}, true},
		"lost and damaged on one":           {"lose-pair 2 ds8000_a; damage-pair 2 ds8000_b 5; retrieve", []string{"BE14CFEA", "BE14EA11"}, true},
		"both damaged: no wrong key":        {"damage-key 1 1 3; damage-key 2 1 3; iml", []string{"BE14CFE0", "BE14E011"}, false},
		"both lost on both":                 {"lose-key 1 1; lose-key 2 1; power-cycle", []string{"BE14CFE0", "BE14E011"}, false},
		"damaged twice in one bit is whole": {lost + "damage-pair 1 ds8000_b 5; damage-pair 1 ds8000_b 6; damage-pair 1 ds8000_b 5; damage-pair 1 ds8000_b 6; retrieve", nil, true},
		"lost, then damaged, then restored": {"lose-key 1 1; damage-key 1 1 4; restore-keys 1 2; retrieve; iml", nil, true},
		"nothing to restore from":           {"lose-key 1 1; lose-key 2 1; restore-keys 1 2; power-cycle", []string{"BE14CFE0", "BE14E011"}, false},
		"damage is restored too":            {"damage-key 1 1 4; restore-keys 2 1; power-cycle", []string{"BE14CFE0", "BE14E011"}, false},
		"a server that lost its own takes nobody's away": {
			"lose-key 2 1; restore-keys 1 2; power-cycle", nil, true,
		},
		"a new server has them":        {"add-server; mk-manager 3 3 2; lose-key 3 1; restore-keys 3 1; lose-key 1 1; lose-key 2 1; restore-keys 1 3; power-cycle", nil, true},
		"one set up while all are off": {"stop-server 1; stop-server 2; add-server; start-server 1; start-server 2; damage-pair 3 ds8000_a 1; damage-key 3 1 1; lose-key 3 1; restore-keys 3 1; damage-pair 3 ds8000_a 1; restore-keys 1 3; lose-pair 1 ds8000_b; retrieve", []string{"BE14CFEA", "BE14EA11"}, true},
		"a key is made with public halves": {
			"lose-key 1 1; rekey-data 1; restore-keys 1 2; rekey-data 1; lose-key 2 1; power-cycle; read R0 0", nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Replay(startIPP + c.steps)
			require.NoError(t, err)
			met := metBy(m)
			slices.Sort(met)
			require.Equal(t, c.met, met, "%s", m.Lab.TraceText())
			require.Equal(t, c.open, m.Lab.Groups()[0].State == "accessible")
		})
	}
}

// TestKeyPairChecksCanFail: the checks find a model that is wrong about a key pair.
func TestKeyPairChecksCanFail(t *testing.T) {
	for name, c := range map[string]struct {
		before string
		wrong  func(*Machine)
		step   string
		why    string
	}{
		"pairs that only the model has lost": {"", func(m *Machine) { m.keys.server(2).pairs = [2]keyPair{} }, "retrieve", "the cause of BE14EA11 held"},
		"a pair that only the model has":     {"lose-key 2 1", func(m *Machine) { m.keys.server(2).pairs[1].private = true }, "retrieve", "its cause did not hold"},
		"damage that only the model has":     {"lose-pair 2 ds8000_a", func(m *Machine) { m.keys.server(2).pairs[1].damage(3) }, "retrieve", "the cause of BE14EA11 held"},
		"a maker that cannot wrap":           {"", func(m *Machine) { m.keys.server(1).pairs[0].public = false }, "rekey-data 1", `was made by "keyserver1.example.com", expected "keyserver2.example.com"`},
		"pairs that were never made":         {"", func(m *Machine) { m.keys.server(1).pairs = [2]keyPair{} }, "lose-pair 1 ds8000_a", "was taken, expected a refusal"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Replay(startIPP + c.before)
			require.NoError(t, err)
			c.wrong(m)
			var f *proptest.Failure
			require.ErrorAs(t, m.Do(c.step), &f, "the check is not blind")
			require.Contains(t, f.Why, c.why)
		})
	}
}
