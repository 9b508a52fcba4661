package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
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
	cmd := exec.Command("git", "init", "-q")
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	s.commit()
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
	return s.runIn(context.Background(), &bytes.Buffer{}, args...)
}

// runIn is run in a context, with messages going to e.
func (s *small) runIn(ctx context.Context, e interface {
	io.Writer
	String() string
}, args ...string,
) (status int, out, messages string) {
	s.t.Helper()
	var o bytes.Buffer
	status = run(ctx, append([]string{"-grace", "500ms"}, args...), s.dir, []target{{Pkg: "calc", Aim: 50}}, &o, e)
	left, err := os.ReadDir(s.tmp)
	require.NoError(s.t, err)
	require.Empty(s.t, left, "nothing is left of the copy and of the tests' files")
	return status, o.String(), e.String()
}

// commit commits all that is in the tree.
func (s *small) commit() {
	s.t.Helper()
	for _, args := range [][]string{{"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example", "commit", "-q", "-m", "all"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		require.NoError(s.t, err, "%s", out)
	}
}

func (s *small) write(name, text string) {
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
}

const smallReport = `
  package  tried  noticed  too slow  hung  not reached  equivalent   score   aim  result
     calc     15       10         1     1            3           0  66.7 %  50 %     met
calc: 1 lines cannot be changed, because they would not compile
warning: TestAlwaysFails of calc fails without any change, so it notices none

5 not noticed and not accepted (make mutation ONLY=file:line:col:word shows one closely):
calc/calc.go:14:11:zero  Sum  0 for 1 in i := 1
calc/calc.go:22:5:drop  Check  drop body: if n < 0  (no test reaches it)
calc/calc.go:22:7:boundary  Check  boundary of n < 0
calc/calc.go:23:10:nil  Check  return nil for errNegative  (no test reaches it)
calc/calc.go:29:28:flip  Never  flip true in return true  (no test reaches it)
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
	require.Contains(t, messages, "mutation: not noticed: calc/calc.go:22:7:boundary  Check  boundary of n < 0\n", "told at once")

	s.write("calc/calc.go", "this is not Go")
	s.write(listsDir+"/calc.txt", smallList)
	status, out, messages = s.run()
	require.Equal(t, exitGood, status, "all that nothing notices is accepted, and the dirty tree does not matter: %s %s", out, messages)
	require.Contains(t, out, "1  71.4 %", "an equivalent change is left out of the score")
	require.Contains(t, out, "every change was noticed, or is accepted")
	require.Contains(t, messages, "changes that are not committed")
	require.NotContains(t, messages, "not noticed:", "what is accepted is not told of")

	s.write(listsDir+"/calc.txt", smallList+"\tflip true in return false\n\t\tspeed: why\n")
	status, out, _ = s.run("-n", "1")
	require.Equal(t, exitBad, status)
	require.Contains(t, out, "warning: no longer to be accepted: calc.txt:14: the code has no such change")

	status, out, _ = s.run("-stale")
	require.Equal(t, exitError, status, "the code as it is does not compile: %s", out)
	good, err := os.ReadFile("testdata/small/calc/calc.go")
	require.NoError(t, err)
	s.write("calc/calc.go", string(good))
	status, out, _ = s.run("-stale")
	require.Equal(t, exitBad, status)
	require.Contains(t, out, listsDir+"/calc.txt:14: the code has no such change: calc/calc.go Never: flip true in return false\n")
	require.Contains(t, out, "put each entry right")
	s.write(listsDir+"/calc.txt", smallList)
	status, out, messages = s.run("-stale")
	require.Equal(t, exitGood, status, "%s", out)
	require.Empty(t, out+messages)
	s.write("calc/calc.go", strings.Replace(string(good), "func Never", "func Ever", 1))
	status, out, _ = s.run("-stale")
	require.Equal(t, exitBad, status, "the tree counts, not the last commit")
	require.Contains(t, out, "calc/calc.go Never: flip true in return true\n")
	s.write("calc/calc.go", "this is not Go")

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
	require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), 15)
	require.Contains(t, out, "calc/calc.go:15:3:remove  Sum  remove s += i\n")

	status, out, _ = s.run("-only", "calc/calc.go:15:3:remove")
	require.Equal(t, exitGood, status)
	require.Contains(t, out, "reached by TestSum\n")
	require.Contains(t, out, "--- FAIL: TestSum")
	require.Contains(t, out, "1 + 2 + 3 + 4 is 10", "the test's own words")

	status, out, _ = s.run("-only", "calc/calc.go:22:7:boundary")
	require.Equal(t, exitBad, status)
	require.Contains(t, out, "reached by TestCheck\n")
	require.Contains(t, out, "\ncalc/calc.go Check\n\tboundary of n < 0\n", "the entry to accept it by")

	status, _, messages := s.run("-only", "calc/calc.go:1:1:remove")
	require.Equal(t, exitError, status)
	require.Contains(t, messages, "no change calc/calc.go:1:1:remove")
}

// An interrupter ends a context when a text was written to it.
type interrupter struct {
	bytes.Buffer
	at     string
	cancel func()
}

func (i *interrupter) Write(b []byte) (int, error) {
	n, err := i.Buffer.Write(b)
	if strings.Contains(i.String(), i.at) {
		i.cancel()
	}
	return n, err
}

func TestAnInterruptedRunGoesOnWhereItStopped(t *testing.T) {
	s := newSmall(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	status, out, messages := s.runIn(ctx, &interrupter{at: "mutation: not noticed: calc/calc.go:22:5:drop", cancel: cancel}, "-workers", "1")
	require.Equal(t, exitError, status, "%s%s", out, messages)
	require.Contains(t, messages, "interrupted")

	names, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "fdelab-mutation", "calc-*.verdicts"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	b, err := os.ReadFile(names[0])
	require.NoError(t, err)
	lines := strings.Count(string(b), "\n")
	require.Positive(t, lines)
	require.Less(t, lines, 15)
	f, err := os.OpenFile(names[0], os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"Number":13,"ID":"calc/ca`) // it was killed in the middle of a line
	require.NoError(t, err)
	require.NoError(t, f.Close())

	note := func(n int) string {
		return fmt.Sprintf("calc: %d of 15 verdicts are those of an earlier run on the same sources\n", n)
	}
	_, out, _ = s.run()
	require.Contains(t, out, note(lines))
	require.Equal(t, smallReport, strings.Replace(out, note(lines), "", 1), "as if it had not been interrupted")
	_, out, messages = s.run()
	require.Equal(t, smallReport, strings.Replace(out, note(15), "", 1))
	require.NotContains(t, messages, "mutation: not noticed:", "nothing was tried")

	s.write(listsDir+"/calc.txt", smallList)
	_, out, _ = s.run()
	require.Contains(t, out, note(10), "what is accepted gets less time, so another verdict counts for it")
	_, out, _ = s.run("-n", "3", "-most", "10s")
	require.NotContains(t, out, "earlier", "another time, other verdicts")
	_, out, _ = s.run("-n", "3", "-grace", "2s")
	require.NotContains(t, out, "earlier")
	_, out, _ = s.run("-n", "3", "-fresh")
	require.NotContains(t, out, "earlier")
	_, out, _ = s.run("-n", "3")
	require.Contains(t, out, "calc: 3 of 3 verdicts are those of an earlier run on the same sources\n")

	s.write("calc/calc_test.go", "package calc\n\nimport \"testing\"\n\nfunc TestNot(t *testing.T) { Never() }\n")
	s.commit()
	_, out, _ = s.run()
	require.NotContains(t, out, "earlier", "other tests, other verdicts")
	require.Contains(t, out, "0.0 %")
}

func TestTooSlowAndHung(t *testing.T) {
	s := newSmall(t)
	status, out, _ := s.run("-only", "calc/calc.go:14:23:invert")
	require.Equal(t, exitGood, status)
	require.Contains(t, out, "\nnoticed: it took far more processor time\n", "a loop without an end")
	status, out, _ = s.run("-only", "calc/calc.go:44:2:remove")
	require.Equal(t, exitGood, status)
	require.Contains(t, out, "\nnoticed: it did not end\n", "a mutex that is not given back")
	require.NotContains(t, out, "panic", "the report is not that of the go test time limit")
}

func TestASampleOverAllPackages(t *testing.T) {
	s := newSmall(t)
	status, out, _ := s.run("-sample", "5", "-seed", "2026-11-30")
	require.Equal(t, exitGood, status, out)
	require.Contains(t, out, "a sample of 5 of 15 changes; to try the same ones again: make mutation-sample SEED=2026-11-30\n")
	require.Contains(t, out, "a sample of 5 that has less than 0.0 % cannot have (3 standard deviations)")
	status, out, _ = s.run("-sample", "15", "-sigmas", "-2")
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
		time.Minute, 10*time.Millisecond, "a process that a test left holds its lock")
}
