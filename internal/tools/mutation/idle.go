package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"
)

// idleMost is how long a test process may do nothing at all, it and all that it started: no processor
// time used and none waited for. A change that takes an unlock away makes tests wait for ever, and their
// limit by the clock is generous, for a machine with other work.
const idleMost = 30 * time.Second

// watchIdle calls stop once the process pid and its descendants have been idle for most, and ends with
// ctx. It reads /proc; where there is none it never calls stop.
func watchIdle(ctx context.Context, pid int, most time.Duration, stop func()) {
	tick := time.NewTicker(most / 10)
	defer tick.Stop()
	var before uint64
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		used, waits, ok := activity(pid)
		if !ok || used != before || !waits {
			before, since = used, time.Now()
		} else if time.Since(since) >= most {
			stop()
			return
		}
	}
}

// activity adds up the processor time of a process and its descendants, in ticks of the kernel, and
// says whether each of their threads waits for something that is not a processor or a disk. Not ok:
// there is no such process, or it could not be read.
func activity(pid int) (used uint64, waits, ok bool) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0, false, false
	}
	children := map[int][]int{}
	for _, e := range all {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			if f := statFields("/proc/" + e.Name() + "/stat"); f != nil {
				parent, _ := strconv.Atoi(f[1])
				children[parent] = append(children[parent], n)
			}
		}
	}
	waits = true
	for todo := []int{pid}; len(todo) > 0; {
		p := todo[0]
		todo = append(todo[1:], children[p]...)
		dir := "/proc/" + strconv.Itoa(p) + "/task/"
		threads, err := os.ReadDir(dir)
		if err != nil {
			continue // it has ended
		}
		for _, t := range threads {
			f := statFields(dir + t.Name() + "/stat")
			if f == nil {
				continue
			}
			ok = true
			waits = waits && f[0] != "R" && f[0] != "D"
			for _, n := range f[11:13] {
				ticks, _ := strconv.ParseUint(n, 10, 64)
				used += ticks
			}
		}
	}
	return used, waits, ok
}

// statFields are the fields of a stat file of proc(5) from the third on, the state; nil if it cannot be
// read.
func statFields(name string) []string {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	_, rest, ok := strings.Cut(string(b), ") ") // no thread of ours has a parenthesis in its name
	f := strings.Fields(rest)
	if !ok || len(f) < 13 {
		return nil
	}
	return f
}
