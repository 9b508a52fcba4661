package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/tools/mutation/mutq"
)

// How every test process runs.
const (
	memoryMost = 8 << 30  // bytes of address space
	outputMost = 64 << 10 // bytes of output that are kept
	checks     = 20       // random cases of each property test
	rapidSeed  = 7        // of the random cases, which are the same in every run
)

// A result is how a test process ended.
type result struct {
	failed  bool // it ended with another status than 0
	tooSlow bool // it took more processor time than it may, and was killed
	hung    bool // it did nothing any more, or had not ended when the limit of the clock was over, and was killed
	took    time.Duration
	used    time.Duration // of processor time, which other work on the machine does not add to
	output  string
}

// A process says what a test process runs.
type process struct {
	tests  []string      // names of top-level tests; none: no test at all
	number int           // of the change that is on, 0 for none
	reach  string        // the file for reached numbers, or empty
	limit  time.Duration // of processor time, to the next second; 0 for none
	wait   time.Duration // by the clock
}

// start runs some tests of the subject in their own process and waits for its end. Their temporary
// files are removed, and processes that they started and left are killed. The error is one of this
// program or the system, or that ctx is over; a test that fails is none.
func (s *subject) start(ctx context.Context, p process) (result, error) {
	tmp, err := os.MkdirTemp(filepath.Dir(s.binary), "tmp-")
	if err != nil {
		return result{}, err
	}
	defer removeAll(tmp)
	args := []string{
		"-test.run=^(" + strings.Join(p.tests, "|") + ")$", "-test.short", "-test.failfast",
		// The limits below are those that count. This is for tests that outlive this program.
		"-test.timeout=" + (2 * p.wait).String(),
	}
	if s.rapid {
		args = append(args, "-rapid.checks="+strconv.Itoa(checks), "-rapid.seed="+strconv.Itoa(rapidSeed), "-rapid.nofailfile")
	}
	limited, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	cmd := exec.CommandContext(limited, s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PWD="+s.dir, "TMPDIR="+tmp, "GOMAXPROCS=2",
		"RAPID_CHECKS="+strconv.Itoa(checks),
		mutq.EnvNumber+"="+strconv.Itoa(p.number), mutq.EnvReach+"="+p.reach, mutq.EnvMemory+"="+strconv.Itoa(memoryMost))
	seconds := (p.limit + time.Second - 1) / time.Second
	if seconds > 0 {
		cmd.Env = append(cmd.Env, mutq.EnvTime+"="+strconv.Itoa(int(seconds)))
	}
	out := &head{most: outputMost}
	cmd.Stdout, cmd.Stderr = out, out
	group := setGroup(cmd)
	begin := time.Now()
	if err = cmd.Start(); err == nil {
		go watchIdle(limited, cmd.Process.Pid, idleMost, cancel)
		err = cmd.Wait()
	}
	r := result{took: time.Since(begin), output: out.String()}
	if cmd.Process != nil {
		group()
	}
	if cmd.ProcessState != nil {
		r.used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it passed; the latter: a child of it lived on
	case limited.Err() != nil:
		r.hung = true
	case seconds > 0 && r.used >= seconds*time.Second*3/4 && killed(cmd.ProcessState): // the kernel's two counts differ a little
		r.tooSlow = true
	case errors.As(err, &exit):
		r.failed = true
	default:
		return r, fmt.Errorf("run the tests of %s: %w", s.pkg, err)
	}
	return r, nil
}

// setGroup makes a command the first of a group of processes, so that its children die with it: when
// the context of the command is over, or by the function that is returned.
func setGroup(cmd *exec.Cmd) func() error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel, cmd.WaitDelay = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }, time.Second
	return cmd.Cancel
}

// killed tells whether a process ended by the signal that cannot be caught.
func killed(p *os.ProcessState) bool {
	w, ok := p.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == syscall.SIGKILL
}

// head keeps the first bytes that are written to it. A change can make a test print for ever.
type head struct {
	bytes.Buffer
	most int
}

func (h *head) Write(b []byte) (int, error) {
	h.Buffer.Write(b[:min(len(b), max(0, h.most-h.Len()))])
	return len(b), nil
}
