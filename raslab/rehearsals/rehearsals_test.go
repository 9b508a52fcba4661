package rehearsals

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

var update = flag.Bool("update", false, "rewrite the outputs of the transcripts")

func TestEveryRehearsalPrintsWhatItSaysTwice(t *testing.T) {
	for _, r := range All() {
		t.Run(r.Name, func(t *testing.T) {
			if *update {
				console.Rewrite(r.Transcript)
				require.NoError(t, os.WriteFile(r.Name+".txt", []byte(r.String()), 0o644))
			}
			var first, second strings.Builder
			result := console.Play(r.Transcript, &first)
			require.True(t, result.Passed(), "%v", result.Difference)
			console.Play(r.Transcript, &second)
			require.Equal(t, first.String(), second.String(), "a second run prints the same, byte for byte")
			text, err := os.ReadFile(r.Name + ".txt")
			require.NoError(t, err)
			require.Equal(t, r.String(), string(text), "the file is in the canonical form: go test ./raslab/rehearsals -update rewrites it")
		})
	}
}

// Over the wire a rehearsal prints what it says, and the log of each facility is the same, byte for byte.
func TestEveryRehearsalOverTheWire(t *testing.T) {
	for i, r := range All() {
		if testing.Short() && i%6 != 0 {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := console.NewSession(console.Options{Wire: true})
			defer s.Close()
			result := console.PlayIn(s, r.Transcript, nil)
			require.True(t, result.Passed(), "%v", result.Difference)
			require.Equal(t, console.Play(r.Transcript, nil).Logs, result.Logs)
		})
	}
}

// causes is how many stories there must be at least for each code.
var causes = stories(map[string]int{"BE3400B3": 3, "BE34009E": 4, "BE31F004": 2, "BE14E0F1": 2, "BE14CFE1": 3})

func stories(more map[string]int) map[string]int {
	least := map[string]int{}
	for _, e := range src.All() {
		least[string(e.Code)] = max(1, more[string(e.Code)])
	}
	return least
}

func TestEveryCauseHasItsStory(t *testing.T) {
	for code, least := range causes {
		met := 0
		for _, r := range All() {
			if slices.Contains(r.SRCs, code) {
				met++
				require.True(t, outputHas(r, code), "%s says it is about %s, so the facility raises it", r.Name, code)
			}
		}
		require.GreaterOrEqual(t, met, least, "%s is met from %d causes", code, least)
	}
	healthy := 0
	for _, r := range All() {
		if len(r.SRCs) == 0 {
			healthy++
			require.NotContains(t, r.String(), "serviceable event 1", "%s is about no code, so none is raised", r.Name)
		}
	}
	require.Positive(t, healthy, "there is a healthy day")
}

func outputHas(r Rehearsal, text string) bool {
	return slices.ContainsFunc(r.Steps, func(s console.Step) bool {
		return strings.Contains(s.Output, "serviceable event") && strings.Contains(s.Output, text)
	})
}

func TestEveryIncidentIsToldToItsEnd(t *testing.T) {
	for _, r := range All() {
		if len(r.SRCs) == 0 {
			continue
		}
		text := r.String()
		require.Contains(t, text, "\nerror: ", "%s takes a wrong turn, and it is refused", r.Name)
		require.Contains(t, text, "event close event=", "%s ends with the event closed", r.Name)
		require.NotEmpty(t, r.Steps[0].Prose, "%s begins with the situation", r.Name)
		require.Contains(t, r.Steps[len(r.Steps)-1].Output, "no serviceable event is open", "%s ends in order", r.Name)
	}
}

func TestNothingIsScripted(t *testing.T) {
	for _, r := range All() {
		for _, step := range r.Steps {
			for _, c := range step.Commands {
				require.NotContains(t, c.Text, "force=yes", "%s: an event is closed because its cause is gone", r.Name)
				if !strings.HasPrefix(c.Text, "src ") {
					for code := range causes {
						require.NotContains(t, c.Text, code, "%s: no command names a code but src", r.Name)
					}
				}
			}
		}
	}
}

func TestFindByNameCodeAndPrefixInAnyCase(t *testing.T) {
	all := All()
	for _, r := range all {
		found, err := Find(strings.ToUpper(r.Name))
		require.NoError(t, err)
		require.Equal(t, r.Name, found[0].Name, "the whole name means that one")
		require.Len(t, found, 1)
		for _, code := range r.SRCs {
			found, err = Find(strings.ToLower(code))
			require.NoError(t, err)
			require.True(t, slices.ContainsFunc(found, func(f Rehearsal) bool { return f.Name == r.Name }), "%s leads to %s", code, r.Name)
		}
	}
	_, err := Find("BE31F005")
	require.EqualError(t, err, `no rehearsal "BE31F005": did you mean BE31F004?`)
	_, err = Find("zzzzzz")
	require.EqualError(t, err, `no rehearsal "zzzzzz", and no such file: fdelab rehearse lists them`)
	_, err = Find("")
	require.Error(t, err, "nothing means nothing")
}

func TestAFileOfOnesOwn(t *testing.T) {
	path := t.TempDir() + "/mine.txt"
	require.NoError(t, os.WriteFile(path, []byte("# Mine\n\nshelf list\n----\nthe shelf is empty\n"), 0o644))
	r, err := FromFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", r.Name)
	require.True(t, console.Play(r.Transcript, nil).Passed())

	require.NoError(t, os.WriteFile(path, []byte("# Mine\n\nshelf lits\n----\n"), 0o644))
	_, err = FromFile(path)
	require.EqualError(t, err, path+`:3: column 7: shelf has no verb "lits": did you mean list?`)

	require.NoError(t, os.WriteFile(path, make([]byte, maxFile+1), 0o644))
	_, err = FromFile(path)
	require.ErrorContains(t, err, "more than 1048576 bytes", "a huge file is not read")
	_, err = FromFile(path + ".no")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func BenchmarkAll(b *testing.B) {
	all := All()
	for b.Loop() {
		for _, r := range all {
			if result := console.Play(r.Transcript, nil); !result.Passed() {
				b.Fatal(result.Difference)
			}
		}
	}
}
