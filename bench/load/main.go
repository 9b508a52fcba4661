//go:build unix

// Command load measures drives behind sockets beside nbdkit and qemu-nbd: the same requests, in turns, on one
// machine. make bench-load runs it.
//
// A drive in a file of /dev/shm is served by fdelab over NVMe/TCP and NBD. Beside it are nbdkit with memory, nbdkit
// with its LUKS filter over memory and over a file of /dev/shm, and qemu-nbd with a LUKS image there: all but the first
// encrypt with AES-256-XTS. Requests are random of 4 KiB and sequential of 128 KiB, read and write, with 1 and 32 at a time on each of
// one and four queues (connections of NBD).
//
// All targets take their turn at a load before the next turn begins, so that other work on the machine meets each of
// them. A figure is the median of the turns, and a ratio the median of the ratios in each turn. Beside the requests of a
// second is the processor time that the server took for one. Peers that are missing (nbdkit, qemu-utils) are SKIPPED, and
// say so.
//
// On a machine with other work, chrt -r 1 make bench-load keeps that away: without it a server of many threads gets
// more of the processors than one of few.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const size = 64 << 20 // bytes that are used of each target

// load is a kind of requests.
type load struct {
	name       string
	bytes      int
	write      bool
	sequential bool
	aim        float64 // ours takes at most 1/aim of the time of nbdkit with LUKS, at depth 32
}

var loads = []load{
	{"random read of 4 KiB", 4 << 10, false, false, 1},
	{"random write of 4 KiB", 4 << 10, true, false, 1},
	{"sequential read of 128 KiB", 128 << 10, false, true, 1.5},
	{"sequential write of 128 KiB", 128 << 10, true, true, 1.5},
}

// figure is what was measured of a load on a target.
type figure struct {
	perSecond []float64     // requests, in each turn
	cpu       time.Duration // of the server, a request, over all turns
}

func main() {
	turn := flag.Duration("turn", 200*time.Millisecond, "of each load on each target")
	turns := flag.Int("turns", 5, "turns of each load")
	only := flag.String("only", "", "loads whose line matches this expression")
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err == nil {
		err = run(chosen, *turn, *turns)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(3)
	}
}

func run(chosen *regexp.Regexp, turn time.Duration, turns int) (err error) {
	dir, err := os.MkdirTemp(memoryDir(), "fdelab-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	targets, stop, err := targets(dir)
	defer stop()
	if err != nil {
		return err
	}
	fmt.Printf("%d cores, %s, %s/%s; %d turns of %v. Requests a second (processor time of the server a request); ratios to %s: NVMe/TCP, NBD.\n\n",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, turns, turn, nbdkitLUKS)
	fmt.Print("| load | queues | depth |")
	for _, t := range targets {
		fmt.Printf(" %s |", t.name)
	}
	fmt.Printf(" ratios |\n|%s\n", strings.Repeat("---|", len(targets)+4))
	missed := 0
	for _, l := range loads {
		for _, queues := range []int{1, 4} {
			for _, depth := range []int{1, 32} {
				line := fmt.Sprintf("| %s | %d | %d |", l.name, queues, depth)
				if !chosen.MatchString(line) {
					continue
				}
				figures, err := measure(targets, l, queues, depth, turn, turns)
				if err != nil {
					return err
				}
				for _, f := range figures {
					line += fmt.Sprintf(" %.0f (%v) |", median(f.perSecond), f.cpu.Round(100*time.Nanosecond))
				}
				fmt.Printf("%s %s |\n", line, verdict(targets, figures, l, depth, &missed))
			}
		}
	}
	fmt.Printf("\n%d ratios miss their aim: at depth 32, 1 of random and 1.5 of sequential requests.\n", missed)
	return nil
}

// verdict is how much faster the doors of fdelab are than nbdkit with LUKS.
func verdict(targets []*target, figures []figure, l load, depth int, missed *int) string {
	peer := slices.IndexFunc(targets, func(t *target) bool { return t.name == nbdkitLUKS })
	if peer < 0 {
		return "no peer"
	}
	var out []string
	for i, t := range targets {
		if !t.ours {
			continue
		}
		var ratios []float64
		for turn, n := range figures[i].perSecond {
			ratios = append(ratios, n/figures[peer].perSecond[turn])
		}
		s := fmt.Sprintf("%.2f", median(ratios))
		if depth == 32 && median(ratios) < l.aim {
			s += " missed"
			*missed++
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// measure lets the targets work in turns.
func measure(targets []*target, l load, queues, depth int, turn time.Duration, turns int) ([]figure, error) {
	figures := make([]figure, len(targets))
	requests, used := make([]int, len(targets)), make([]time.Duration, len(targets))
	for range turns {
		for i, t := range targets {
			before := t.processorTime()
			n, took, err := t.work(l, queues, depth, turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			used[i] += t.processorTime() - before
			requests[i] += n
			figures[i].perSecond = append(figures[i].perSecond, float64(n)/took.Seconds())
		}
	}
	for i := range figures {
		figures[i].cpu = used[i] / time.Duration(max(requests[i], 1))
	}
	return figures, nil
}

// memoryDir is a directory in memory, where there is one.
func memoryDir() string {
	const shm = "/dev/shm"
	if i, err := os.Stat(shm); err == nil && i.IsDir() {
		return shm
	}
	return cmp.Or(os.Getenv("TMPDIR"), os.TempDir())
}
