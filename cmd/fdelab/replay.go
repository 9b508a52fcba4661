package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/facility"
)

func newReplayCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "replay SCRIPT|FILE",
		Short: "run a failure again on a simulated drive, as a failure shows it",
		Long: "replay runs a script: the options of a drive, |, and commands. It is the line that fdelab soak,\n" +
			"a property test over a drive, or fdelab campaign prints of a failure, of a drive or of a facility.\n" +
			"It takes the file that fdelab soak writes, too. The exit code is 1 if the drive does something wrong\n" +
			"again. fdelab conform --replay does the same with a drive of another make.",
		Example: "  fdelab replay 'seed=1 | set-pin SID msid p2; try SID p2/pad0'\n  fdelab replay soak-4711.txt",
		Args:    between(1, 1, "one script, in quotes, or a file"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.replay(conformance.Simulated, args[0]) },
	}
}

// replayed is the JSON answer of `fdelab replay`.
type replayed struct {
	Script string   `json:"script"`
	Wrong  bool     `json:"wrong"`
	Why    string   `json:"why,omitempty"`
	Trace  []string `json:"trace,omitempty"`
	Same   *bool    `json:"same,omitempty"` // of a file: the answers are those that it has
}

// replay runs a script of the suite, one of a property test (their commands differ), or the file of one.
func (a *app) replay(maker conformance.Maker, arg string) error {
	out := replayed{Script: arg}
	var file *conformance.Transcript
	if !strings.Contains(arg, "|") {
		var err error
		if file, err = readRun(arg); err != nil {
			return err
		}
		out.Script = file.Line()
	}
	text := ""
	if _, _, err := conformance.ParseScript(out.Script); err == nil {
		r, err := conformance.Replay(maker, out.Script, conformance.Options{})
		if err != nil {
			return usagef("replay: %w", err)
		}
		if r.Verdict == conformance.NotJudged {
			return failedf("replay: not judged: %s", r.Why)
		}
		out.Wrong, out.Why, out.Trace = r.Verdict == conformance.Failed, r.Why, r.Trace
		text = strings.Join(append([]string{r.Why}, r.Trace...), "\n  ") + "\n"
		if file != nil {
			same := slices.Equal(file.Answers, r.Trace)
			out.Same = &same
		}
	} else if _, _, other := proptest.ParseScript(out.Script); other != nil {
		if !facility.IsScript(out.Script) {
			return usagef("replay: %w", err)
		}
		if text, err = out.facility(); err != nil {
			return err
		}
	} else if _, err := proptest.Replay(out.Script); err != nil {
		f, failed := err.(*proptest.Failure)
		if !failed {
			return usagef("replay: %w", err)
		}
		out.Wrong, out.Why, out.Trace, text = true, f.Why, f.Trace, f.Error()
	}
	if err := a.replayReport(arg, out, text); err != nil {
		return err
	}
	if out.Wrong {
		return failedf("replay: the drive does something wrong")
	}
	return nil
}

// facility replays a run of a whole facility.
func (r *replayed) facility() (text string, err error) {
	_, err = facility.Replay(r.Script)
	var f *proptest.Failure
	switch {
	case errors.As(err, &f):
		r.Wrong, r.Why, r.Trace = true, f.Why, f.Trace
		return f.Error(), nil
	case err != nil:
		return "", usagef("replay: %w", err)
	}
	return "", nil
}

func (a *app) replayReport(arg string, out replayed, text string) error {
	if a.json {
		return a.printJSON(out)
	}
	if !out.Wrong {
		a.printf("the drive does nothing wrong\n")
		return nil
	}
	a.printf("%s", text)
	if out.Same != nil && !*out.Same {
		a.printf("the answers are not those of %s\n", oneLine(arg))
	}
	return nil
}

// readRun reads the file of a run.
func readRun(name string) (*conformance.Transcript, error) {
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("replay: %q is neither a script (NAME=NUMBER ... | COMMAND; COMMAND) nor a file", name)
	case err != nil:
		return nil, cannotf("replay: %w", err)
	}
	t, err := conformance.ParseTranscript(name, string(b))
	if err != nil {
		return nil, usagef("replay: %w", err)
	}
	return t, nil
}
