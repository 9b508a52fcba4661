package console

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustTranscript(t *testing.T, text string) *Transcript {
	t.Helper()
	tr, err := ParseTranscript("story.txt", text)
	require.NoError(t, err)
	return tr
}

func TestPlayTellsTheStory(t *testing.T) {
	var out strings.Builder
	r := Play(mustTranscript(t, story), &out)
	require.True(t, r.Passed(), "%v", r.Difference)
	require.Equal(t, 2, r.Steps)
	require.Equal(t, 3, r.Commands)
	require.Equal(t, `BE31F004: a title
=================

A paragraph
of two lines.

Another.

> time now
error: there is no facility yet: begin with lab new
> help quit
quit
    leave
example: quit

Between.

> quit

The end.

`, out.String(), "title, prose, commands and what they print, in order")
}

func TestPlayStopsAtTheFirstDifference(t *testing.T) {
	r := Play(mustTranscript(t, "# T\n\nshelf list\n----\nthe shelf is full\n\nquit\n----\nnever reached\n"), nil)
	require.False(t, r.Passed(), "another output is a difference")
	require.Equal(t, 1, r.Steps, "nothing is played after it")
	require.Equal(t, "story.txt:3: the output differs (- the transcript says, + was printed)\n- the shelf is full\n+ the shelf is empty\n", r.Difference.String())
}

func TestRewritePutsWhatIsPrinted(t *testing.T) {
	tr := mustTranscript(t, "# T\n\nshelf list\n----\nthe shelf is full\n")
	Rewrite(tr)
	require.Equal(t, "# T\n\nshelf list\n----\nthe shelf is empty\n", tr.String())
	require.True(t, Play(tr, nil).Passed(), "a rewritten transcript passes")
}

// guided leads through text with the given answers and returns what was shown.
func guided(t *testing.T, text string, answers ...string) (string, bool) {
	t.Helper()
	var out strings.Builder
	g := &Guide{Transcript: mustTranscript(t, text), Out: &out, ReadLine: func(string) (string, error) {
		if len(answers) == 0 {
			return "", io.EOF
		}
		answer := answers[0]
		answers = answers[1:]
		return answer, nil
	}}
	finished, err := g.Play()
	require.NoError(t, err)
	return out.String(), finished
}

const lesson = "# T\n\nLook at the shelf first.\n\nshelf list\n----\nthe shelf is empty\n\nThen at the faults.\n\nfault list\n----\nno fault is armed\n\nWell done.\n"

func TestGuideWaitsForTheCommand(t *testing.T) {
	out, finished := guided(t, lesson, "shelf   list # by hand", "next")
	require.True(t, finished, "both steps were taken")
	require.Contains(t, out, "the shelf is empty", "the typed command ran, whatever its spelling")
	require.Contains(t, out, "> fault list\nno fault is armed", "next runs the command itself and shows it")
	require.Contains(t, out, "Well done.\n\nthe end: 2 commands\n")
}

func TestGuideAnswersQuestions(t *testing.T) {
	out, finished := guided(t, lesson, "hint", "hint", "why", "help", "", "quit")
	require.False(t, finished, "quit leaves before the end")
	require.Contains(t, out, "hint: shelf list, which means: list the loose drives", "the first hint names the command")
	require.Contains(t, out, "hint: shelf list\n", "the second gives it whole")
	require.Equal(t, 2, strings.Count(out, "Look at the shelf first."), "why repeats the prose of the step")
	require.Contains(t, out, "stopped before command 1 of 2\n")
}

func TestGuideStopsAtTheEndOfInput(t *testing.T) {
	out, finished := guided(t, lesson, "next")
	require.False(t, finished)
	require.Contains(t, out, "stopped before command 2 of 2\n")
}

func TestGuideTakesTyposKindly(t *testing.T) {
	out, _ := guided(t, lesson, "shelf lits", "shelf list")
	require.Contains(t, out, `error: column 7: shelf has no verb "lits": did you mean list?`)
	require.Contains(t, out, "the shelf is empty", "and goes on waiting for the command")
}

func TestGuideTriesAWrongTurnOnACopy(t *testing.T) {
	text := "# T\n\nBuild.\n\nlab new drives=8\n----\nfacility\n\nLook.\n\nshelf list\n----\nthe shelf is empty\n"
	out, finished := guided(t, text, "next", "shelf order", "state", "shelf list")
	require.True(t, finished)
	require.Contains(t, out, "new drive FRU00001 lies on the shelf\n(tried on a copy; the story stands where it stood)", "the wrong turn is taken, on a copy")
	require.Contains(t, out, "the shelf is empty", "and the story's own shelf has not changed")
	require.Contains(t, out, "no serviceable event is open", "state shows enclosures, groups and events")
}

func TestGuideStateBeforeThereIsAFacility(t *testing.T) {
	out, _ := guided(t, "# T\n\nBuild.\n\nlab new drives=16\n----\n", "state", "hint", "quit")
	require.Equal(t, 1, strings.Count(out, "error: there is no facility yet"), "it is said once")
	for _, line := range strings.Split(out, "\n") {
		require.LessOrEqual(t, len(line), 110, "no line runs off the screen")
	}
}

func TestErrorTextHasNoNamesOfPackages(t *testing.T) {
	err := fmt.Errorf("raslab: encgroup: key server 2: %w", errors.New("kmip: localhost:5696: pki:\n no certificate"))
	require.Equal(t, "key server 2: localhost:5696: no certificate", ErrorText(err))
}

func TestLessonKeepsCount(t *testing.T) {
	s := NewSession(Options{})
	defer s.Close()
	l := NewLesson(mustTranscript(t, "# T\n\nBuild one.\n\nlab new drives=8\nkeygrp configure\n----\nx\n\nNow wait.\n\ntime advance by=1h\n----\nx\n\nWell done.\n"), s)
	do := func(line string) (Turn, string) {
		var out strings.Builder
		turn := l.Do(line, &out)
		return turn, out.String()
	}
	task := l.Task()
	require.Equal(t, "lab new drives=8", task.Line)
	require.Equal(t, "lab new", task.Command)
	require.Equal(t, "8", task.Value("drives"))
	require.Empty(t, task.Value("nothing"))
	require.Contains(t, task.Summary, "build a facility")
	turn, _ := do("lab new drives=8")
	require.Equal(t, Moves, turn)
	_, out := do("hint")
	require.Contains(t, out, "hint: keygrp configure")
	turn, out = do("enclosure show")
	require.Equal(t, Waits, turn)
	require.Contains(t, out, "tried on a copy")
	do("drive pull drive=R1-I1-D03")
	do("drive pull drive=R9-I9-D99")
	do("drive pul slot=sesame")
	_, out = do("keygrp configure; reckey configure; host authenticate drive=R1-I1-D03 pin=sesame")
	words := regexp.MustCompile(`[0-9A-Z]{8}(-[0-9A-Z]{8}){7}`).FindString(out)
	require.NotEmpty(t, words, "a recovery key is shown once: %s", out)
	do(`host authenticate drive=R1-I1-D03 pin="sesame"`)
	require.Len(t, s.Lab().OpenEvents(), 0)
	turn, _ = do("next")
	require.Equal(t, Moves, turn)
	require.Equal(t, 1, l.Step(), "the second step is due")
	turn, _ = do("time advance by=60m")
	require.Equal(t, Moves, turn, "it means the same")
	require.True(t, l.Ended())
	turn, out = do("lab new")
	require.Equal(t, Waits, turn)
	require.Empty(t, out, "nothing is taken at the end")
	score := l.Score()
	require.Equal(t, []int{2}, score.Hints)
	require.Equal(t, []int{2}, score.Given)
	require.Len(t, score.Asides, 6)
	var wrong []string
	for _, a := range score.WrongTurns() {
		require.Equal(t, 2, a.At)
		require.NotContains(t, a.Line+a.Error, words, "nor is it kept")
		require.NotContains(t, a.Line+a.Error, "sesame", "nor what was typed and not understood")
		wrong = append(wrong, string(a.Verdict)+" "+a.Line)
	}
	require.Equal(t, []string{
		"done drive pull drive=R1-I1-D03", "refused drive pull drive=R9-I9-D99", "not understood drive ...", "failed keygrp configure; reckey configure; host authenticate drive=R1-I1-D03 pin=(hidden)", "failed host authenticate drive=R1-I1-D03 pin=(hidden)",
	}, wrong, "a look is no wrong turn; a PIN is not kept")
}
