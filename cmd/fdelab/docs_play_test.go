//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

// How the blocks of README and docs/*.md are played. The blocks of a page share one directory, in
// which a name behind a block's language, as in ```go first_test.go, is the file that it shows.
//
//	$ COMMAND      the shell runs it; what it prints follows
//	$ COMMAND &    it runs until the end of the page, or until `$ kill %1`; its first line follows
//	75NR641> LINE  is typed into the session at a terminal that the last `$ fdelab shell` or
//	dscli> LINE    `$ fdelab dscli` began, as is the answer behind a question
//	> LINE         in ```console NAME: what the rehearsal of that name prints for it
var (
	block      = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")
	typedLine  = regexp.MustCompile(`^(?:[0-9A-Z]{7}> |dscli> |.*\[y/n\]: )(.*)$`)
	awaits     = regexp.MustCompile(`(?:^|\n)(?:[0-9A-Z]{7}> |dscli> |[^\n]*\[y/n\]: )$`)
	checkValue = regexp.MustCompile(`\b[0-9a-f]{16}\.[0-9a-f]{16}\b`)
	wordOf     = regexp.MustCompile(`[0-9A-Za-z-]+`)
	duration   = regexp.MustCompile(`\b\d+\.\d+s\b|\(cached\)`)
)

// page plays one document.
type page struct {
	t       *testing.T
	dir     string
	env     []string
	here    func(string) string // from the paths and ports of the text to those of this run
	there   func(string) string // back
	jobs    []*keyserver        // whatever was begun with &
	running []*keyserver        // those of them that nobody has killed
	tty     *terminal
	played  int // commands
}

// TestDocuments plays every command of README and docs, and compares what it prints.
func TestDocuments(t *testing.T) {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(t, err)
	for _, name := range readerDocuments(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := readDocument(t, name)
			if strings.Contains(text, "\n$ go test") {
				needsGo(t)
			}
			if strings.Contains(text, "-- python3") {
				needsPython(t)
			}
			if strings.Contains(text, "exec sedutil-cli") {
				needsSedutil(t)
			}
			if strings.Contains(text, "\n$ ci/with-drive") {
				needsGuest(t)
			}
			p := &page{t: t, dir: filepath.Join(t.TempDir(), "mine")}
			require.NoError(t, os.Mkdir(p.dir, 0o755))
			p.env = append(os.Environ(), "PATH="+filepath.Dir(exe)+string(os.PathListSeparator)+os.Getenv("PATH"),
				"TERM=dumb", "GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-mod=mod -vet=off", "GOWORK=off",
				"RAPID_CHECKS=20", "RAPID_SEED=0")
			p.place(text)
			document(t, root(t), name, func(text string) string { return block.ReplaceAllStringFunc(text, p.block) })
			if strings.Contains(text, "```console") {
				require.Positive(t, p.played, "the commands of the page were found")
			}
		})
	}
}

// needsGo: a page whose reader writes tests takes the go command, and some seconds.
func needsGo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("SKIPPED: the go command is not there: the tests of this page were not run")
	}
	if testing.Short() {
		t.Skip("SKIPPED: -short: the tests of this page were not run")
	}
}

// needsSedutil: a page with sedutil-cli takes the program that FDELAB_SEDUTIL names. One of another Debian
// release runs with the loader of its own, which takes the preload library by another variable.
func needsSedutil(t *testing.T) {
	t.Helper()
	real := os.Getenv("FDELAB_SEDUTIL")
	if real == "" {
		t.Skip("SKIPPED: FDELAB_SEDUTIL names no sedutil-cli: make judge-sedutil unpacks one and plays this page")
	}
	_, err := os.Stat(filepath.Join(root(t), "bin", "libfdelab.so"))
	require.NoError(t, err, "make shim builds it")
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nFDELAB_SHIM=$LD_PRELOAD\nexport FDELAB_SHIM\nunset LD_PRELOAD\nexec '%s' \"$@\"\n", real)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sedutil-cli"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// needsGuest: a page that boots a guest takes QEMU, and what contrib/ci/image made in the folder that FDELAB_IMAGE names.
func needsGuest(t *testing.T) {
	t.Helper()
	if os.Getenv("FDELAB_IMAGE") == "" {
		t.Skip("SKIPPED: FDELAB_IMAGE names no guest: make judge-guest builds one and plays this page")
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("SKIPPED: no qemu-system-x86_64: the job of this page was not run")
	}
}

// needsPython: a page with a drive in Python takes an interpreter that has the package cryptography.
func needsPython(t *testing.T) {
	t.Helper()
	if exec.Command("python3", "-c", "import cryptography").Run() == nil {
		return
	}
	if exec.Command("/usr/bin/python3", "-c", "import cryptography").Run() != nil {
		t.Skip("SKIPPED: no python3 with the package cryptography: the drive of this page was not judged")
	}
	t.Setenv("PATH", "/usr/bin"+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// place says what is elsewhere here: the clone beside the reader's directory, and the ports. The
// free ones have four digits, so that columns stay as wide as they are, and do not stand in the text.
func (p *page) place(text string) {
	var free []string
	for len(free) < len(portsOfText) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 6000+rand.IntN(4000)))
		if err != nil {
			continue
		}
		port := l.Addr().String()[len("127.0.0.1:"):]
		require.NoError(p.t, l.Close())
		if !slices.Contains(free, port) && !strings.Contains(text, port) {
			free = append(free, port)
		}
	}
	p.here = func(s string) string {
		return renumber(strings.ReplaceAll(s, "../fdelab", root(p.t)), portsOfText, free)
	}
	p.there = func(s string) string {
		return strings.ReplaceAll(renumber(s, free, portsOfText), root(p.t), "../fdelab")
	}
}

var portsOfText = []string{"5696", "5697"}

// renumber puts one port for another where it is a number by itself. A UUID, whose groups are of
// four digits too, keeps its digits.
func renumber(text string, from, to []string) string {
	return wordOf.ReplaceAllStringFunc(text, func(word string) string {
		if i := slices.Index(from, word); i >= 0 {
			return to[i]
		}
		return word
	})
}

// TestAPortIsFoundByItself: its digits also stand in names and identifiers.
func TestAPortIsFoundByItself(t *testing.T) {
	const text = "port=6123, 127.0.0.1:6123: 6123 6124 6123; "
	const kept = "a0b1c2d3-6123-4f6f-6123-61236123aaaa 61230 x6123 0x6123 6123a"
	require.Equal(t, "port=5696, 127.0.0.1:5696: 5696 5697 5696; "+kept, renumber(text+kept, []string{"6123", "6124"}, portsOfText))
}

// block gives a fenced block as it is to be.
func (p *page) block(text string) string {
	m := block.FindStringSubmatch(text)
	language, name, body := m[1], m[2], m[3]
	switch {
	case language == "console" && name != "":
		return "```console " + name + "\n" + p.rehearsal(name, body) + "```"
	case language == "console":
		return "```console\n" + p.console(body) + "```"
	case name != "":
		require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, name), []byte(body), 0o644))
	}
	require.NotContains(p.t, []string{"sh", "bash", "shell"}, language, "commands stand in a block of the language console, which is played")
	return text
}

// console runs the commands of a block.
func (p *page) console(body string) string {
	var b strings.Builder
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			p.played++
			fmt.Fprintf(&b, "%s\n%s", line, p.command(command, lines[i+1:]))
		} else if m := typedLine.FindStringSubmatch(line); m != nil {
			p.played++
			require.NotNil(p.t, p.tty, "a session takes the line %s", line)
			b.WriteString(p.tty.prompt)
			b.WriteString(p.tty.says(p.t, p.here(m[1])))
		}
	}
	out := p.there(b.String())
	if len(p.jobs) > 0 { // a real server makes real keys
		out = checkValue.ReplaceAllString(out, "0123456789abcdef.0123456789abcdef")
	}
	return out
}

// command runs one; next are the lines behind it.
func (p *page) command(command string, next []string) string {
	server, background := strings.CutSuffix(p.here(command), " &")
	switch words := splitWords(server); {
	case background:
		k := p.serve(words)
		p.jobs = append(p.jobs, k)
		if p.running = append(p.running, k); len(p.running) == 2 {
			(&serverPair{t: p.t, run: [2]*keyserver(p.running)}).linked() // a person waits for it too
		}
		return k.first
	case words[0] == "kill":
		var n int
		_, err := fmt.Sscanf(words[1], "%%%d", &n)
		require.NoError(p.t, err, command)
		k := p.jobs[n-1]
		require.NoError(p.t, k.cmd.Process.Kill())
		_ = k.cmd.Wait()
		p.running = slices.DeleteFunc(p.running, func(r *keyserver) bool { return r == k })
		return ""
	case len(next) > 0 && p.begins(next):
		p.tty = converseAt(p.t, p.dir, p.env, words)
		return p.tty.greeting
	}
	c := exec.Command("sh", "-c", p.here(command))
	c.Dir, c.Env = p.dir, p.env
	out, err := c.CombinedOutput()
	if err != nil {
		out = fmt.Appendf(out, "(exit code %d)\n", c.ProcessState.ExitCode())
	}
	return duration.ReplaceAllString(string(out), "0.5s")
}

// begins says whether a session follows: the next line that is typed is not one of the shell.
func (p *page) begins(next []string) bool {
	for _, line := range next {
		if strings.HasPrefix(line, "$ ") {
			return false
		}
		if typedLine.MatchString(line) {
			return true
		}
	}
	return false
}

func (p *page) serve(words []string) *keyserver {
	exe, err := exec.LookPath(words[0])
	require.NoError(p.t, err)
	wd, err := os.Getwd()
	require.NoError(p.t, err)
	require.NoError(p.t, os.Chdir(p.dir))
	defer func() { require.NoError(p.t, os.Chdir(wd)) }()
	return runKeyserver(p.t, exe, words[1:]...)
}

// rehearsal takes the commands of a block from a rehearsal, with what it prints for them.
func (p *page) rehearsal(name, body string) string {
	found, err := rehearsals.Find(name)
	require.NoError(p.t, err)
	require.Len(p.t, found, 1, name)
	var said, b strings.Builder
	require.True(p.t, console.Play(found[0].Transcript, &said).Passed(), "the rehearsal %s passes", name)
	rest := said.String()
	for _, line := range strings.Split(body, "\n") {
		if !strings.HasPrefix(line, "> ") {
			continue
		}
		p.played++
		_, after, ok := strings.Cut(rest, "\n"+line+"\n")
		require.True(p.t, ok, "%s has the command %s, behind those above it", name, line)
		end := regexp.MustCompile(`(?m)^(> |$)`).FindStringIndex(after)
		require.NotNil(p.t, end)
		b.WriteString(line + "\n" + after[:end[0]])
		rest = "\n" + after[end[0]:]
	}
	return b.String()
}

// terminal is a session of fdelab at a terminal of 100 columns, as a person has it.
type terminal struct {
	tty      *os.File
	greeting string // what was printed before the first prompt
	prompt   string // the one that waits now
}

func converseAt(t *testing.T, dir string, env, words []string) *terminal {
	t.Helper()
	exe, err := exec.LookPath(words[0])
	require.NoError(t, err)
	c := exec.Command(exe, words[1:]...)
	c.Dir, c.Env = dir, env
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: 100, Rows: 1000})
	require.NoError(t, err)
	t.Cleanup(func() { _, _, _ = c.Process.Kill(), c.Wait(), tty.Close() })
	s := &terminal{tty: tty}
	s.greeting = s.wait(t, "")
	return s
}

// says types a line, and gives what is seen until the next prompt, the line itself included.
func (s *terminal) says(t *testing.T, line string) string {
	t.Helper()
	_, err := s.tty.WriteString(line + "\n")
	require.NoError(t, err)
	return s.wait(t, line+"\n")
}

// wait reads until the session asks for the next line, or ends; the echo comes first.
func (s *terminal) wait(t *testing.T, echo string) string {
	t.Helper()
	var all string
	b := make([]byte, 4096)
	require.NoError(t, s.tty.SetReadDeadline(time.Now().Add(time.Minute)))
	for {
		n, err := s.tty.Read(b)
		all += strings.ReplaceAll(string(b[:n]), "\r", "")
		if err != nil {
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "no prompt comes behind %q", all)
			s.prompt = ""
			return all
		}
		if len(all) < len(echo) {
			continue
		}
		if at := awaits.FindStringIndex(all[len(echo):]); at != nil {
			cut := len(echo) + at[0]
			if all[cut] == '\n' {
				cut++
			}
			s.prompt = all[cut:]
			return all[:cut]
		}
	}
}
