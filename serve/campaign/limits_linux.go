package campaign

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// CanLimit says whether this machine can limit the memory of a program. The error wraps ErrLimits.
func CanLimit() error {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return fmt.Errorf("campaign: %w with /proc: %w", ErrLimits, err)
	}
	return nil
}

// writtenMax is how long a file is that a program writes, in bytes.
const writtenMax = 1 << 30

// Launch is the first that a program calls whose workers run programs: it returns, unless this process was started to
// become such a program. Then it limits itself and becomes it, so that the program is never without its limits.
//
// Memory is limited by RLIMIT_DATA, private memory that can be written: address space that is only reserved, of which
// runtimes take much, does not count. Shared memory is seen by the worker, as is what several processes have together.
func Launch() {
	if len(os.Args) < 5 || os.Args[1] != launchWord {
		return
	}
	err := become(os.Args[2], os.Args[3], os.Args[4:])
	fmt.Fprintf(os.Stderr, "fdelab: a program of a campaign: %v\n", err)
	os.Exit(127)
}

func become(parent, memory string, command []string) error {
	bytes, err := strconv.ParseUint(memory, 10, 64)
	if err != nil || bytes < MemoryMin {
		return fmt.Errorf("%q bytes of memory, want %d or more", memory, MemoryMin)
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if strconv.Itoa(os.Getppid()) != parent {
		return fmt.Errorf("the worker has ended")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	for what, most := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: writtenMax, unix.RLIMIT_DATA: bytes} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return syscall.Exec(path, command, os.Environ())
}

// marked calls f with each process that has a mark which begins so, and the whole of it. Zombies have none.
func marked(begins string, f func(pid int, mark string)) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // another user's, or it has ended
		}
		i := bytes.Index(append([]byte{0}, b...), []byte("\x00"+begins))
		if i < 0 {
			continue
		}
		mark, _, _ := bytes.Cut(b[i:], []byte{0})
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			f(pid, string(mark))
		}
	}
}

// endRounds is how often processes are looked for that others have started meanwhile.
const endRounds = 100

// endMarked kills whoever has a mark that begins so, until there is nobody.
func endMarked(begins string) {
	for range endRounds {
		found := false
		marked(begins, func(pid int, _ string) {
			found = true
			if group, err := unix.Getpgid(pid); err == nil && group != unix.Getpgrp() {
				_ = unix.Kill(-group, unix.SIGKILL) // who forks faster than it is looked for is in it
			}
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		})
		if !found {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// usedBy is what processes have whose marks begin so, by mark.
func usedBy(begins string) map[string]used {
	out := map[string]used{}
	marked(begins, func(pid int, mark string) {
		u := out[mark]
		u.processes++
		u.bytes += residentOf(pid)
		out[mark] = u
	})
	return out
}

// residentOf is the memory of a process that no file backs, in bytes, and of it what is swapped out.
func residentOf(pid int) (sum uint64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		for _, name := range []string{"RssAnon:", "RssShmem:", "VmSwap:"} {
			if rest, is := bytes.CutPrefix(line, []byte(name)); is {
				kib, _ := strconv.ParseUint(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
				sum += kib << 10
			}
		}
	}
	return sum
}
