package facility

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const startKMIP = "seed=3 drives=16 | array S1; rank A0 1; write R0 0 1; "

// keyStories are runs that each show a rule of the model: the steps, and the events that are open at
// the end.
var keyStories = map[string]struct {
	steps string
	open  []string
}{
	"a key is enabled by its second server": {"stop-server 2; rekey-data 1; iml; start-server 2; rekey-data 1; lose-key 1 1; power-cycle; read R0 0", []string{}},
	"two servers disagree":                  {"mk-manager 3 1 2; mk-manager 4 2 2; stop-server 2; group 2; start-server 2; damage-key 2 2 5; group 2; damage-key 2 2 5; group 2", []string{}},
	"a key that was never made":             {"mk-manager 3 1 2; mk-manager 4 2 2; manager 3 ipp; manager 4 ipp; stop-server 1; stop-server 2; group 2; start-server 1; start-server 2; damage-key 1 2 2; lose-key 2 2; close 1; close 2; close 3; close 4; retrieve; group 2", []string{}},
	"closed one after the other": {
		"stop-server 1; stop-server 2; retrieve; close 1; close 2; close 3; close 4; start-server 1; close 1; close 2; close 3; close 4; start-server 2; close 3; close 4", []string{},
	},
	"closed when another server gives the key": {"lose-key 1 1; lose-key 2 1; iml; add-server; close 1; close 2; mk-manager 3 1 2; close 2", []string{"BE14CFE0", "BE14E011"}},
	"back in time": {"stop-server 2; retrieve; advance 239; start-server 2; advance 30; stop-server 2; retrieve; advance 230", []string{"BE14CFEA", "BE14EAF3"}},
	"by hand": {
		"stop-server 1; stop-server 2; power-cycle; repair R1-I1-D08; start-server 1; advance 12; cancel R1-I1-D08; close 1; close 2; close 3; " +
			"sfi quiesce; iml; sfi resume; advance 5; sfi shutdown; close 1; advance 10; sfi resume; close 1; close 2; close 3; read R0 0", []string{},
	},
	"ESSNI ends on both consoles": {"console 1 no-essni; console 2 no-essni; power-cycle; console 2 off; console 1 essni; advance 12; read R0 0; close 1; retrieve", []string{}},
	"one group back, one without its key": {
		"array S2; mk-manager 3 1 2; mk-manager 4 2 2; group 2; rank A1 2; add-server; lose-key 1 2; lose-key 2 2; stop-server 1; stop-server 2; power-cycle; " +
			"start-server 1; start-server 2; advance 12; advance 600; restore-keys 1 3; restore-keys 2 3; iml; close 1; close 3; close 5; close 6; read R0 0", []string{},
	},
	"one partition only":                  {"link 0 1 cut; link 0 2 cut; iml; link 0 2 up; advance 12; close 1", []string{}},
	"all copies":                          {"damage-copy 1; damage-copy 2; damage-copy 3; power-cycle; close 1; restore-copies; close 1; iml; close 1; read R0 0", []string{}},
	"the facility's certificate runs out": {"own-cert 90; power-cycle; advance 100; power-cycle; own-cert default; iml; close 1; close 2", []string{}},
	"four hours, and the consoles are off meanwhile": {
		"stop-server 2; retrieve; advance 60; console 1 off; console 2 off; advance 24; console 1 on; console 2 on; advance 200", []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"},
	},
	"four hours, and the other partition gets an answer": {
		"link 0 2 cut; link 1 1 cut; path 1 2 cut; retrieve; advance 252", []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"},
	},
	"four hours, and a reboot meanwhile": {
		"stop-server 2; retrieve; sfi quiesce; advance 5; sfi shutdown; advance 30; sfi resume; advance 230", []string{"BE14CFEA", "BE14EAF3", "BE14EAF4"},
	},
	"a server that was inactive is silent from the next failure on": {"stop-server 2; retrieve; manager 2 inactive; manager 2 active; advance 250", []string{"BE14CFEA", "BE14EAF3"}},
	"a group that no rank uses does not end the retrieval": {
		"remove-rank R0; mk-manager 3 1 2; mk-manager 4 2 2; group 2; rank A0 2; lose-key 1 1; lose-key 2 1; iml; stop-server 2; retrieve", []string{"BE14CFE0", "BE14E011", "BE14CFEA", "BE14EAF3"},
	},
	"a group that no rank uses does not hold up the reboot": {
		"mk-manager 3 1 2; mk-manager 4 2 2; group 2; manager 3 inactive; manager 4 inactive; stop-server 1; stop-server 2; iml; start-server 1; advance 12; read R0 0", []string{"BE14CFE0", "BE14CFE0", "BE14E004"},
	},
	"connectivity that comes back with an IML is not waited for": {
		"stop-server 1; stop-server 2; iml; lose-key 1 1; lose-key 2 1; start-server 1; start-server 2; iml; advance 24", []string{"BE14CFE0", "BE14E008", "BE14E011"},
	},
	"connectivity is back while the facility is quiesced": {"stop-server 1; stop-server 2; iml; sfi quiesce; start-server 1; advance 12", []string{"BE14CFE0", "BE14E008", "BE14E1F6"}},
	"the reboot waits for every group that a rank uses": {
		"array S2; mk-manager 3 1 2; mk-manager 4 2 2; group 2; rank A1 2; manager 3 inactive; manager 4 inactive; stop-server 1; stop-server 2; power-cycle; start-server 1; advance 24", []string{"BE14CFE0", "BE14CFE0", "BE14E004", "BE14E008"},
	},
	"connectivity is back for one partition": {
		"link 0 1 cut; link 0 2 cut; stop-server 1; stop-server 2; iml; start-server 1; advance 12; read R0 0", []string{"BE14CFE0", "BE14E009"},
	},
	"a key comes and no record can be read": {
		"stop-server 2; retrieve; damage-copy 1; damage-copy 2; damage-copy 3; start-server 2; advance 252", []string{"BE14CFEA", "BE14EAF3"},
	},
	"one console hangs":                               {"console 1 hung; power-cycle; read R0 0; retrieve", []string{}},
	"services that have ended refuse connections":     {"service 1 ends; service 2 ends; iml; service 1 runs; advance 12", []string{"BE14CFE0"}},
	"a key is made and read back through partition 1": {"link 0 1 cut; link 0 2 cut; rekey-data 1", []string{}},
	"no server has the key at a retrieval":            {"lose-key 1 1; lose-key 2 1; retrieve", []string{"BE14CFEA", "BE14E011"}},
	"two groups whose records cannot be read": {
		"mk-manager 3 1 2; mk-manager 4 2 2; group 2; damage-copy 1; damage-copy 2; damage-copy 3; retrieve", []string{"BE14E3F7", "BE14E3F7"},
	},
	"no retrieval while the facility is quiesced":              {"stop-server 2; sfi quiesce; retrieve", []string{}},
	"a query every twelve minutes":                             {"stop-server 1; stop-server 2; iml; advance 24; start-server 1; advance 12", []string{"BE14CFE0"}},
	"a server that answered without the key brings no reboot":  {"lose-key 1 1; stop-server 2; iml; advance 24", []string{"BE14CFE0", "BE14E008", "BE14E011"}},
	"a server that answers, still without the key, brings one": {"stop-server 1; stop-server 2; iml; lose-key 1 1; start-server 1; advance 24", []string{"BE14CFE0", "BE14E008", "BE14E011"}},
	"no reboot without a record to try the key on": {
		"stop-server 1; stop-server 2; iml; lose-key 1 1; damage-copy 1; damage-copy 2; damage-copy 3; start-server 1; advance 24", []string{"BE14CFE0", "BE14E008"},
	},
	"what a server answered at an earlier IML does not count": {
		"array S2; mk-manager 3 1 2; mk-manager 4 2 2; group 2; rank A1 2; lose-key 2 1; stop-server 1; iml; manager 1 inactive; " +
			"manager 3 inactive; manager 4 inactive; iml; manager 4 active; advance 12", []string{"BE14CFE0", "BE14CFE0", "BE14E011"},
	},
	"a console that hung brings no reboot":                    {"console 1 hung; console 2 hung; iml; console 1 free; advance 24", []string{"BE14CFE0", "BE14E00B"}},
	"a server that is active again brings one":                {"manager 1 inactive; manager 2 inactive; iml; manager 1 active; advance 12", []string{"BE14CFE0"}},
	"the key of a group that no rank uses is retrieved again": {"remove-rank R0; stop-server 1; stop-server 2; iml; start-server 1; retrieve", []string{"BE14CFE0", "BE14E008", "BE14CFEA", "BE14EAF3"}},
	"BE14CFE1 leaves the events of the other partition": {
		"link 0 1 cut; link 0 2 cut; stop-server 1; stop-server 2; iml; link 0 1 up; path 1 1 cut; start-server 1; advance 12", []string{"BE14CFE0", "BE14E008", "BE14E009"},
	},
	"an event about one server while another is off": {"stop-server 2; retrieve; start-server 2; stop-server 1; close 1; close 2", []string{}},
	"nobody can look":                           {"stop-server 2; retrieve; start-server 2; sfi quiesce; advance 5; sfi shutdown; close 1; close 2", []string{"BE14CFEA", "BE14EAF3"}},
	"there is no record to look at":             {"stop-server 2; retrieve; start-server 2; damage-copy 1; damage-copy 2; damage-copy 3; close 1", []string{"BE14CFEA", "BE14EAF3"}},
	"a server that was removed":                 {"stop-server 2; retrieve; rm-manager 2; close 1; close 2", []string{}},
	"another copy is damaged":                   {"damage-copy 2; iml; damage-copy 1; close 1", []string{"BE14CFE5"}},
	"one server is too few":                     {"manager 2 inactive; rekey-data 1; retrieve; close 1; manager 2 active; close 1; rekey-data 1", []string{}},
	"the second server makes the key":           {"add-server; mk-manager 3 3 1; stop-server 1; rekey-data 1; start-server 1; rm-manager 1; rekey-data 1", []string{}},
	"entries that are refused":                  {"manager 1 ipp-tls; mk-manager 3 1 1; mk-manager 2 2 2", []string{}},
	"a test of access needs both partitions":    {"link 1 1 cut; link 1 2 cut; test-access 1", []string{}},
	"a record that was restored":                {"remove-rank R0; damage-copy 1; damage-copy 2; damage-copy 3; iml; restore-copies; retrieve", []string{"BE14E3F7"}},
	"no restore during a repair":                {"repair R1-I1-D08; restore-copies; cancel R1-I1-D08; restore-copies", []string{}},
	"drive certify without a valid certificate": {"own-cert 90; advance 100; mes; close 1; own-cert lost; mes; own-cert default; close 1", []string{}},
	"the wrong side":                            {"trust 1 factory no; trust 2 factory no; iml; own-cert 3000; iml; close 1; close 2; trust 1 customer no; retrieve; close 3; close 4", []string{"BE14EAF3", "BE14CFEA"}},
}

// TestKeyStories plays them.
func TestKeyStories(t *testing.T) {
	for name, c := range keyStories {
		t.Run(name, func(t *testing.T) {
			m, err := Replay(startKMIP + c.steps)
			require.NoError(t, err)
			open := []string{}
			for _, e := range m.Lab.OpenEvents() {
				open = append(open, e.SRC)
			}
			require.ElementsMatch(t, c.open, open, "%s", m.Lab.TraceText())
		})
	}
}
