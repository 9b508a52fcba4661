package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small is a repository made of testdata/small, with its one package calc.
type small struct {
	t    *testing.T
	dir  string
	tmp  string // where the command makes its temporary files
	lock string // held by the processes that the tests of calc leave
}

func newSmall(t *testing.T) *small {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	s := &small{t: t, dir: filepath.Join(t.TempDir(), "small"), tmp: t.TempDir(), lock: filepath.Join(t.TempDir(), "lock")}
	require.NoError(t, os.CopyFS(s.dir, os.DirFS("testdata/small")))
	require.NoError(t, os.WriteFile(s.lock, nil, 0o600))
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example", "commit", "-q", "-m", "all"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	t.Setenv("TMPDIR", s.tmp)
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // for what the command keeps
	t.Setenv("CALC_LOCK", s.lock)
	return s
}

// run runs the command and gives its exit status, output, and messages.
func (s *small) run(args ...string) (status int, out, messages string) {
	s.t.Helper()
	var o, e bytes.Buffer
	status = run(context.Background(), append([]string{"-grace", "1s"}, args...), s.dir, []target{{Pkg: "calc", Aim: 50}}, &o, &e)
	left, err := os.ReadDir(s.tmp)
	require.NoError(s.t, err)
	require.Empty(s.t, left, "nothing is left of the copy and of the tests' files")
	return status, o.String(), e.String()
}

func (s *small) write(name, text string) {
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
}

const smallReport = `
  package  tried  noticed  by timeout  not reached  equivalent   score   aim  result
     calc     11        6           1            3           0  54.5 %  50 %     met
calc: 1 lines cannot be changed, because they would not compile
warning: TestAlwaysFails of calc fails without any change, so it notices none

5 not noticed and not accepted (make mutation ONLY=file:line:col:word shows one closely):
calc/calc.go:11:11:zero  Sum  0 for 1 in i := 1
calc/calc.go:19:5:drop  Check  drop body: if n < 0  (no test reaches it)
calc/calc.go:19:7:boundary  Check  boundary of n < 0
calc/calc.go:20:10:nil  Check  return nil for errNegative  (no test reaches it)
calc/calc.go:26:28:flip  Never  flip true in return true  (no test reaches it)
`

// smallList accepts what smallReport shows.
const smallList = `calc/calc.go Sum
	0 for 1 in i := 1
		equivalent: to add 0 changes nothing
calc/calc.go Check
	drop body: if n < 0
		other: the tests are bad on purpose
	boundary of n < 0
		other: the tests are bad on purpose
	return nil for errNegative
		other: the tests are bad on purpose
calc/calc.go Never
	flip true in return true
		other: the tests are bad on purpose
`

func TestTheWholeCommand(t *testing.T) {
	s := newSmall(t)
	status, out, messages := s.run()
	require.Equal(t, smallReport, out)
	require.Equal(t, exitBad, status)
	require.NotContains(t, messages, "not committed")
	require.Contains(t, messages, "mutation: not noticed: calc/calc.go:19:7:boundary  Check  boundary of n < 0\n", "told at once")

	s.write("calc/calc.go", "this is not Go")
	s.write(listsDir+"/calc.txt", smallList)
	status, out, messages = s.run()
	require.Equal(t, exitGood, status, "all that nothing notices is accepted, and the dirty tree does not matter: %s %s", out, messages)
	require.Contains(t, out, "1  60.0 %", "an equivalent change is left out of the score")
	require.Contains(t, out, "every change was noticed, or is accepted")
	require.Contains(t, messages, "changes that are not committed")
	require.NotContains(t, messages, "not noticed:", "what is accepted is not told of")

	s.write(listsDir+"/calc.txt", smallList+"\tflip true in return false\n\t\tspeed: why\n")
	status, out, _ = s.run("-n", "1")
	require.Equal(t, exitBad, status)
	require.Contains(t, out, "warning: no longer to be accepted: calc.txt:14: the code has no such change")

	s.write(listsDir+"/calc.txt", "calc/calc.go Never\n\tflip true in return true\n")
	status, out, messages = s.run()
	require.Equal(t, exitError, status)
	require.Contains(t, messages, "calc.txt:2: the change has no reason", "an entry without a reason is refused")
	require.Empty(t, out)
}

func TestOneChange(t *testing.T) {
	s := newSmall(t)
	status, out, _ := s.run("-list", "-files", "calc.go", "-pkg", "calc")
	require.Equal(t, exitGood, status)
	require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), 11)
	require.Contains(t, out, "calc/calc.go:12:3:remove  Sum  remove s += i\n")

	status, out, _ = s.run("-only", "calc/calc.go:12:3:remove")
	require.Equal(t, exitGood, status)
	require.Contains(t, out, "reached by TestSum\n")
	require.Contains(t, out, "--- FAIL: TestSum")
	require.Contains(t, out, "1 + 2 + 3 + 4 is 10", "the test's own words")

	status, out, _ = s.run("-only", "calc/calc.go:19:7:boundary")
	require.Equal(t, exitBad, status)
	require.Contains(t, out, "reached by TestCheck\n")
	require.Contains(t, out, "\ncalc/calc.go Check\n\tboundary of n < 0\n", "the entry to accept it by")

	status, _, messages := s.run("-only", "calc/calc.go:1:1:remove")
	require.Equal(t, exitError, status)
	require.Contains(t, messages, "no change calc/calc.go:1:1:remove")
}

func TestASampleOverAllPackages(t *testing.T) {
	s := newSmall(t)
	status, out, _ := s.run("-sample", "5", "-seed", "2026-11-30")
	require.Equal(t, exitGood, status, out)
	require.Contains(t, out, "a sample of 5 of 11 changes; to try the same ones again: make mutation-sample SEED=2026-11-30\n")
	require.Contains(t, out, "a sample of 5 that has less than 0.0 % cannot have (3 standard deviations)")
	status, out, _ = s.run("-sample", "11", "-sigmas", "-1")
	require.Equal(t, exitBad, status, "fewer than the floor were noticed: %s", out)
}

func TestWrongArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-pkg", "other"}, "package other has no aim: use one of calc"},
		{[]string{"-files", "calc.go"}, "-files needs -pkg"},
		{[]string{"calc"}, `unexpected "calc"`},
		{[]string{"-workers", "0"}, "-workers"},
	} {
		var out, messages bytes.Buffer
		require.Equal(t, exitUsage, run(context.Background(), c.args, t.TempDir(), []target{{Pkg: "calc"}}, &out, &messages))
		require.Contains(t, messages.String(), c.want)
	}
	var out, messages bytes.Buffer
	require.Equal(t, exitError, run(context.Background(), nil, t.TempDir(), nil, &out, &messages), "not in a repository")
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, messages bytes.Buffer
	require.Equal(t, exitError, run(ctx, nil, ".", []target{{Pkg: "calc"}}, &out, &messages))
	require.Equal(t, "mutation: interrupted before the end, so nothing is said about the aims\n", messages.String(),
		"and not that something does not compile")
}

func TestNoProcessIsLeft(t *testing.T) {
	s := newSmall(t)
	s.run("-n", "1")
	f, err := os.Open(s.lock)
	require.NoError(t, err)
	defer f.Close()
	require.Eventually(t, func() bool { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil },
		10*time.Second, 10*time.Millisecond, "a process that a test left holds its lock")
}
