package adapters_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// whyGone runs f and says why the device was gone.
func whyGone(t *testing.T, f func()) (why string) {
	t.Helper()
	defer func() {
		h, ok := recover().(*conformance.Hung)
		require.True(t, ok, "the device is gone, and the suite can tell")
		why = h.Why
	}()
	f()
	return ""
}

// TestBadPrograms: whatever a program does in place of a reply is said in one line, and the next
// device gets another process.
func TestBadPrograms(t *testing.T) {
	for mode, want := range map[string]string{
		"hang":     `^identify: the program gave no reply within 300ms$`,
		"die":      `^identify: the program ended without a reply: exit status 7; the last line of its standard error: assertion failed: 1 == 2$`,
		"garbage":  `^identify: the program wrote on standard output what is no reply, a JSON object: "Segmentation fault\?"$`,
		"array":    `no reply, a JSON object: "\[1,2\]"$`,
		"other":    `^identify: the program gave the reply to request 1, want 3$`,
		"no id":    `gave a reply without an "id", want 3: "{`,
		"long":     `^identify: the program wrote a line of more than 131072 bytes, which begins with "xxxxx`,
		"missing":  `^identify: the reply has no "ranges"$`,
		"type":     `^identify: "sector_size" in the reply is no number of its size: "512"$`,
		"leftover": `^identify: the reply has a field that nothing is known of: "refuse"$`,
		"refusal":  `^identify: no refusal "lockd": did you mean locked\?$`,
	} {
		t.Run(mode, func(t *testing.T) {
			deadline := 5 * time.Second
			if mode == "hang" {
				deadline = 300 * time.Millisecond
			}
			p := start(t, adapters.Options{Command: []string{os.Args[0], "fake", mode}, Deadline: deadline, Greeting: 30 * time.Second})
			for range 2 {
				d, _, err := p.Make(conformance.Wish{})
				require.NoError(t, err)
				require.Regexp(t, want, whyGone(t, func() { _, _ = d.Identify() }))
				require.NoError(t, d.(interface{ Close() error }).Close())
			}
		})
	}
}

// TestTheGreetingHasADeadline, too: of its own, or that of every request.
func TestTheGreetingHasADeadline(t *testing.T) {
	for _, o := range []adapters.Options{{Deadline: 200 * time.Millisecond}, {Deadline: time.Hour, Greeting: 200 * time.Millisecond}} {
		o.Command = []string{os.Args[0], "fake", "mute"}
		_, err := adapters.Start(o)
		require.ErrorContains(t, err, "hello: the program gave no reply within 200ms")
	}
}

// TestNoise: what a program writes on standard error is no reply, and is counted.
func TestNoise(t *testing.T) {
	p := start(t, adapters.Options{Command: []string{os.Args[0], "fake", "noise"}})
	d, _, err := p.Make(conformance.Wish{})
	require.NoError(t, err)
	id, err := d.Identify()
	require.NoError(t, err)
	require.Equal(t, 512, id.SectorSize)
	require.Eventually(t, func() bool { n, last := p.Noise(); return n == 1 && last == "debug: a line" }, time.Minute, time.Millisecond)
}

// TestBadBeginnings: a program with which nothing can be begun is refused in one line.
func TestBadBeginnings(t *testing.T) {
	for want, command := range map[string][]string{
		"the program speaks version 2 of the protocol, and this fdelab speaks 1": {os.Args[0], "fake", "version"},
		`no capability "trys": use migrate, genkey`:                              {os.Args[0], "fake", "capability"},
		"executable file not found":                                              {"no-such-program"},
		"no program is named":                                                    nil,
		"ended without a reply":                                                  {"true"},
	} {
		_, err := adapters.Start(adapters.Options{Command: command})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
}
