//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"github.com/stretchr/testify/require"
)

// screen is fdelab on a pseudo-terminal with a terminal emulator behind it: what a person
// sees is what is compared.
type screen struct {
	t       *testing.T
	tty     *os.File
	columns int
	done    chan struct{} // closed at the end of the output

	mu   sync.Mutex // of what follows
	raw  []byte     // all that was written
	term vt10x.Terminal
}

// rows is the height of a terminal here.
const rows = 24

// start runs fdelab as a shell does. When it ends, Linux hangs the terminal up and may throw away what
// was not read yet: for the whole output see whole.
func start(t *testing.T, columns int, env []string, args ...string) *screen {
	t.Helper()
	c := exec.Command("fdelab", args...)
	c.Env = append(append(os.Environ(), "TERM=xterm-256color"), env...)
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: uint16(columns), Rows: rows})
	require.NoError(t, err)
	s := &screen{t: t, tty: tty, columns: columns, term: vt10x.New(vt10x.WithSize(columns, rows)), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		b := make([]byte, 4096)
		for {
			n, err := tty.Read(b)
			s.mu.Lock()
			s.raw = append(s.raw, b[:n]...)
			_, _ = s.term.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = tty.Close()
		<-s.done
	})
	return s
}

// run types a line and waits for the next prompt.
func (s *screen) run(line, prompt string) {
	s.t.Helper()
	before := len(s.all())
	_, err := s.tty.WriteString(line + "\r")
	require.NoError(s.t, err)
	s.until("a prompt after "+line, func() bool {
		all := s.all()
		return strings.Contains(all[before:], "\n") && strings.HasSuffix(all, prompt+" ")
	})
}

func (s *screen) until(what string, ok func() bool) {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	require.Fail(s.t, "it does not come", "want %s, the screen is:\n%s", what, strings.Join(s.lines(), "\n"))
}

// lines is the screen without the blanks at the right edge and the empty rows at the bottom.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := strings.Split(s.term.String(), "\n")
	for i, row := range rows {
		rows[i] = strings.TrimRight(row, " ")
	}
	for len(rows) > 0 && rows[len(rows)-1] == "" {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// all is everything that was written, without its line ends of a terminal.
func (s *screen) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(string(s.raw), "\r\n", "\n")
}

// keys types, then waits until the last line of the screen is want.
func (s *screen) keys(text, want string) {
	s.t.Helper()
	_, err := s.tty.WriteString(text)
	require.NoError(s.t, err)
	s.last(want)
}

func (s *screen) last(want string) {
	s.t.Helper()
	s.until("the last line "+want, func() bool {
		rows := s.lines()
		return len(rows) > 0 && rows[len(rows)-1] == want
	})
}

var terminalWidths = []int{60, 80, 200}

const shellPrompt = "75NR641>"

// On a full screen the prompt stands below the last line of the output, for as many commands
// as are run.
func TestPromptLeavesTheOutputAlone(t *testing.T) {
	for _, program := range []struct {
		args            []string
		prompt, command string
	}{
		{[]string{"--no-color", "shell"}, shellPrompt, "drive list"},
		{[]string{"dscli", "-bnr", "off"}, "dscli>", "lsddm"},
		{[]string{"rehearse", "-i", "healthy-day"}, "command 1 of ", "help"},
	} {
		for _, columns := range terminalWidths {
			t.Run(fmt.Sprintf("%s/%d", strings.Join(program.args, " "), columns), func(t *testing.T) {
				s := start(t, columns, nil, program.args...)
				s.wait(program.prompt)
				prompt := s.lines()[len(s.lines())-1]
				var once []string
				for i := range 16 {
					s.keys(program.command, prompt+" "+program.command)
					s.keys("\r", prompt)
					rows := s.lines()
					if i < 13 { // a run takes two rows or more: by then the screen shows nothing else
						continue
					}
					require.Len(t, rows, 24, "the screen is full")
					if once == nil {
						once = rows
					}
					require.Equal(t, once, rows, "run %d: a full screen shows the same each time, and nothing is overwritten", i)
				}
				out := s.expected(program.args, program.command)
				shown := strings.Join(once[:len(once)-1], "\n")
				require.True(t, strings.HasSuffix(shown, out) || strings.HasSuffix(out, shown), "above the prompt stands the output, whole to its last line:\n%s\nwant the end of\n%s", shown, out)
			})
		}
	}
}

// wait is until a line of the screen begins with text.
func (s *screen) wait(text string) {
	s.t.Helper()
	s.until("the prompt "+text, func() bool {
		rows := s.lines()
		return len(rows) > 0 && strings.HasPrefix(rows[len(rows)-1], text)
	})
}

// expected is what the last run of command wrote, as it was sent to the terminal.
func (s *screen) expected(args []string, command string) string {
	all := s.all()
	at := strings.LastIndex(all, "\n")
	before := all[:at]
	start := strings.LastIndex(before, command+"\n") // the line that was typed
	require.GreaterOrEqual(s.t, start, 0)
	out := before[start:]
	out = out[strings.Index(out, "\n")+1:]
	lines := strings.Split(out, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestTerminalKeys(t *testing.T) {
	s := start(t, 80, nil, "--no-color", "shell")
	s.wait(shellPrompt)
	s.keys("shelf li", shellPrompt+" shelf li")
	s.keys("\t", shellPrompt+" shelf list")
	s.run("", shellPrompt)
	require.Contains(t, s.all(), "the shelf is empty", "a word that is clear is completed, with a blank behind it")

	s.keys("rank c", shellPrompt+" rank c")
	s.keys("\t", shellPrompt+" rank c")
	s.until("the menu", func() bool { return strings.Contains(s.all(), "check ") })
	s.last(shellPrompt + " rank c")
	rows := s.lines()
	menu := strings.Join(rows[:len(rows)-1], "\n")
	require.Regexp(t, `\ncreate +make a rank`, menu, "where there is a choice it is shown, with the help")
	require.Regexp(t, `\ncheck `, menu, "above the prompt")
	s.keys("r\t", shellPrompt+" rank create")
	s.keys("a", shellPrompt+" rank create a")
	s.keys("\t", shellPrompt+" rank create array=")
	s.keys("\x03", shellPrompt)
	require.Contains(t, s.all(), "array=^C\n", "Ctrl-C gives the line up")

	s.keys("\x1b[A", shellPrompt+" shelf list")
	s.keys("\x03", shellPrompt)
	s.run("fault list", shellPrompt)
	s.keys("shelf", shellPrompt+" shelf")
	s.keys("\x12", shellPrompt+" shelf list") // Ctrl-R
	s.keys("\x03", shellPrompt)
	long := strings.Repeat("x", 100)
	s.keys(long, long[80-len(shellPrompt)-1:])
	s.keys("\x15", shellPrompt) // Ctrl-U
	_, err := s.tty.WriteString("\x04")
	require.NoError(t, err)
	s.gone("Ctrl-D leaves")
	require.True(t, strings.HasSuffix(s.all(), "\n"), "what comes next has a line of its own")
}

func TestHelpIsPaged(t *testing.T) {
	for _, program := range [][]string{{"shell"}, {"dscli"}} {
		s := start(t, 80, nil, program...)
		prompt := map[string]string{"shell": shellPrompt, "dscli": "dscli>"}[program[0]]
		s.wait(prompt)
		s.keys("help\r", strings.TrimSpace(morePrompt))
		require.Contains(t, s.all(), "The facility", "the first page begins at the top")
		require.NotContains(t, s.all(), "help COMMAND explains")
		require.NotContains(t, s.all(), "help NOUN lists")
		s.keys("\r", strings.TrimSpace(morePrompt))
		s.keys("q\r", prompt)
		s.keys("\x1b[A", prompt+" help")
		s.keys("\x03", prompt)
	}
}

// A command that is typed between two pages ends the help and is run. Words of the shell are not
// completed there: Enter and q are what the prompt is for.
func TestACommandBetweenTwoPagesIsRun(t *testing.T) {
	for _, program := range []struct{ name, prompt, command, says string }{
		{"shell", shellPrompt, "drive show drive=R1-I1-D16", "identity "},
		{"dscli", "dscli>", "lssi", "IBM.2107-75NR641"},
	} {
		s := start(t, 80, nil, program.name)
		s.wait(program.prompt)
		more := strings.TrimSpace(morePrompt)
		s.keys("help\r", more)
		shown := len(s.all())
		s.keys("\tQ", more+" Q")
		s.keys("\x7f", more)
		require.NotContains(t, s.all()[shown:], "\n", "Tab shows no menu")
		s.run(program.command, program.prompt)
		out := s.all()[shown:]
		require.Contains(t, out, program.says, "it was run")
		require.NotContains(t, out, "help COMMAND explains", "the rest of the help is not shown")
		require.NotContains(t, out, "help NOUN lists")
		s.keys("\x1b[A", program.prompt+" "+program.command)
		s.keys("\x03", program.prompt)
		s.keys("help\r", more)
		s.keys("help\r", more)
		_, err := s.tty.WriteString("exit\r")
		require.NoError(t, err)
		s.gone("exit leaves there too")
	}
}

// Everywhere exit and quit leave.
func TestExitAndQuitLeave(t *testing.T) {
	for _, args := range [][]string{{"shell"}, {"dscli"}, {"rehearse", "-i", "healthy-day"}} {
		for _, word := range []string{"exit", "quit"} {
			s := start(t, 80, nil, args...)
			require.Eventually(t, func() bool { return strings.HasSuffix(s.all(), "> ") }, time.Minute, 10*time.Millisecond)
			_, err := s.tty.WriteString(word + "\r")
			require.NoError(t, err)
			s.gone(word)
		}
	}
}

// gone waits for the end of the process.
func (s *screen) gone(why string) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		require.Fail(s.t, "it does not end", "%s: the screen is:\n%s", why, strings.Join(s.lines(), "\n"))
	}
}

// Colour says again what a word says, on a terminal only.
func TestColourOnATerminal(t *testing.T) {
	s := start(t, 80, []string{"NO_COLOR="}, "shell")
	s.wait(shellPrompt)
	s.run("drive list", shellPrompt)
	require.Contains(t, s.all(), "\x1b[32mNormal\x1b[0m")
	for _, line := range []string{"keygrp configure", "keyserver stop keyserver=1", "keyserver stop keyserver=2", "power cycle"} {
		s.run(line, shellPrompt)
	}
	s.run("event list", shellPrompt)
	require.Contains(t, s.all(), "\x1b[31mcritical\x1b[0m")
}
