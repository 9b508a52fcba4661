package facility

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

func prepared(t *testing.T, o Options) *Machine {
	t.Helper()
	m, err := NewMachine(o)
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	return m
}

// TestStepsThatAreNone: a step with a mistake is an error that says what would be right, and
// nothing is done. It is no request that the facility refuses.
func TestStepsThatAreNone(t *testing.T) {
	m := prepared(t, Options{})
	before, script := m.Lab.TraceText(), m.Script()
	for step, says := range map[string]string{
		"":                                       "an empty step",
		"rank A0":                                `"rank A0": 1 argument, want 2; usage: rank ARRAY GROUP`,
		"link":                                   "0 arguments, want 3; usage: link PARTITION CONSOLE up|cut|stalled",
		"iml now":                                "1 argument, want 0; usage: iml",
		"link 0 1 foo":                           `up|cut|stalled is "foo", want up, cut or stalled`,
		"link 2 1 cut":                           "a number from 0 to 1",
		"stop-server 9":                          `SERVER is "9", want 1 or 2; usage: stop-server SERVER`,
		"start-server one":                       "want 1 or 2",
		"close x":                                "EVENT is \"x\", want a number",
		"close 0":                                "want a number from 1",
		"write R9 1 1":                           `RANK is "R9", want R0 or R1`,
		"write R0 x y":                           `SECTOR is "x", want a number from 0 to 23`,
		"write R0 24 1":                          "want a number from 0 to 23",
		"write R0 1 y":                           `CONTENT is "y", want a number`,
		"write R0 1 4294967296":                  "want a number",
		"write R0 1 -1":                          "want a number",
		"read R0 99":                             "want a number from 0 to 23",
		"group 9":                                `GROUP is "9", want a number from 1 to 4`,
		"group 0":                                "want a number from 1 to 4",
		"rank A9 1":                              `ARRAY is "A9", want A0 or A1`,
		"rank A0 5":                              "want a number from 0 to 4",
		"array S9":                               "want S1 or S2",
		"repair R1-I1-D99":                       "want one of R1-I1-D01 to R1-I1-D16",
		"pull D1":                                "want one of R1-I1-D01",
		"exchange R1-I1-D01 old":                 `same|new|SERIAL is "old", want same or new, or one of 75NR641-0001 to`,
		"insert R1-I1-D01 all":                   "want any, or one of",
		"arm R1-I1-D01 (foo)":                    "want a plan that can be read (fault plan: column 2",
		"arm R1-I1-D01 (link.command.cu)":        "want a plan that can be read",
		"arm R1-I1-D01 (net.session.reset)":      "want points of flash, media, port, and net.session.reset is none",
		"arm R1-I1-D01 -":                        "want a plan that can be read",
		"arm-net 1 (flash.erase.refused)":        "want points of net, and flash.erase.refused is none, or - for none",
		"arm-net 3 -":                            "want a number from 1 to 2",
		"arm-memory 0 (memory.record.flipped)":   "want points of memory.signature",
		"arm-link 0 1 (link.command.lost":        "want a plan that can be read",
		"manager 1 imap":                         "want active, inactive, kmip, ipp-tls or ipp",
		"manager 9 active":                       "want a number from 1 to 8",
		"mk-manager 3 5 1":                       "want 1 or 2",
		"service 1 stops":                        "want ends, runs, hangs, goes-on, garbled or right",
		"console 1 warm":                         "want on, off, hung, free, no-essni or essni",
		"path 1 1 down":                          "want up or cut",
		"trust 1 nobody yes":                     "want factory or customer",
		"trust 1 factory perhaps":                "want yes or no",
		"reissue 1 mallory own 0":                "want customer or unknown",
		"reissue 1 customer mine 0":              "want own or other",
		"reissue 1 customer own soon":            "want a number",
		"own-cert expired":                       "want default or lost, or a number from 1 to",
		"damage-copy 4":                          "want a number from 1 to 3",
		"damage-key 1 1 64":                      "want a number from 0 to 63",
		"lose-pair 1 ds8000_c":                   "want ds8000_a or ds8000_b",
		"sfi stop":                               "want quiesce, shutdown or resume",
		"advance soon":                           "want a number",
		"advance -1":                             "want a number from 0 to 527040",
		"advance 99999999999999":                 "want a number from 0 to 527040; usage: advance MINUTES",
		"advance 999999999999999999999999999999": "want a number",
		"fly":                                    `unknown step "fly": Usage lists the steps`,
		"lnik 0 1 cut":                           `unknown step "lnik": did you mean link?`,
		"power-cycel":                            `did you mean power-cycle?`,
	} {
		var f *proptest.Failure
		err := m.Do(step)
		require.ErrorContains(t, err, says, "%q is refused, with what would be right", step)
		require.False(t, errors.As(err, &f), "%q is no failure of the facility", step)
		require.NotContains(t, err.Error(), "\n", "one line")
		require.Less(t, len(err.Error()), 300, "a short one: %v", err)
	}
	require.Equal(t, before, m.Lab.TraceText(), "nothing was done")
	require.Equal(t, script, m.Script(), "nor written down")
}

// TestRefusedSteps: the facility has to refuse a well-formed step that cannot be done.
func TestRefusedSteps(t *testing.T) {
	m := prepared(t, Options{})
	for _, step := range []string{
		"remove-rank R1", "write R1 0 1", "read R1 0", "remove-rank R1", "remove-array A1", "remove-array A1", "rank A1 0", "array S1",
		"rank A0 3", "close 7", "manager 7 active", "rm-manager 7", "lose-key 1 2", "damage-key 1 2 5",
		"group 1", "group 2", "rekey-data 2", "test-access 3", "cancel R1-I1-D01", "insert R1-I1-D01 any",
		"pull R1-I1-D16", "pull R1-I1-D16", "arm R1-I1-D16 (flash.erase.refused)", "break R1-I1-D16", "cut-power R1-I1-D16",
	} {
		require.NoError(t, m.Do(step), "%s", step)
	}
	require.Empty(t, m.Lab.OpenEvents())
	require.NoError(t, m.Do("array S2"))
	m.keys.group(1).phase = unconfigured
	require.ErrorContains(t, m.Do("rank A1 1"), "was taken, expected a refusal", "a group without a key has no ranks")
	m = prepared(t, Options{})
	require.NoError(t, m.Do("remove-rank R1"))
	require.NoError(t, m.Do("remove-array A1"))
	m.arrays["A1"] = true
	require.ErrorContains(t, m.Do("remove-array A1"), "expected", "the model has to be right about what is there")
	delete(m.arrays, "A1")
	delete(m.ranks, "R0")
	require.ErrorContains(t, m.Do("remove-rank R0"), "was taken, expected a refusal")
}

// TestARunEnds: a run ends before its certificates do.
func TestARunEnds(t *testing.T) {
	m := prepared(t, Options{Drives: 8})
	m.keys.now = m.start.Add(runMax - 30*60e9)
	require.ErrorContains(t, m.Do("advance 60"), "a run ends after ten years, at ")
	_, _, err := m.parse("advance 30")
	require.NoError(t, err)
}

// TestUsage: every step tells how it is written and what it does.
func TestUsage(t *testing.T) {
	all := strings.Split(strings.TrimSuffix(Usage(), "\n"), "\n")
	require.Len(t, all, len(Verbs()))
	for i, name := range Verbs() {
		usage, help, cut := strings.Cut(all[i], "  ")
		require.True(t, cut && strings.TrimSpace(help) != "", "%q says what it does", name)
		require.Equal(t, name, strings.Fields(usage)[0])
		require.Len(t, strings.Fields(usage), 1+len(verbs[name].args), "%q has a word for each argument", usage)
		for j, a := range verbs[name].args {
			require.NotNil(t, a.wants, "%q: argument %d is checked", name, j)
			require.True(t, !a.rest || j == len(verbs[name].args)-1, "%q: only the last takes the rest", name)
		}
	}
	require.Equal(t, "fly: there is no such step\n", Usage("fly"))
}

// TestOptionsKeys: there are three key protocols.
func TestOptionsKeys(t *testing.T) {
	for _, keys := range []string{"inactive", "active", "foo", "KMIP"} {
		_, err := NewMachine(Options{Keys: keys})
		require.EqualError(t, err, `proptest: Options.Keys is "`+keys+`", want kmip, ipp-tls or ipp`)
		_, err = Replay("seed=1 drives=8 keys=" + keys + " | iml")
		require.ErrorContains(t, err, "want kmip, ipp-tls or ipp")
	}
}
