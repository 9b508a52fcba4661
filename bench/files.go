//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// files is the erase of drives in files, beside as many writes of a page that each wait for the
// disk. Both are measured by the clock.
func files() (all []row) {
	for _, n := range []int{20, 65, 200} {
		all = append(all, row{
			name: fmt.Sprintf("erase of %d drive files", n), peer: "writes with fsync", ratio: 3, once: true, turns: 5, wall: true,
			prepare: func() (ours, theirs side, stop func(), err error) { return eraseFiles(n) },
		})
	}
	return all
}

func eraseFiles(n int) (ours, theirs side, stop func(), err error) {
	dir, err := os.MkdirTemp("", "fdelab-bench-")
	if err != nil {
		return nil, nil, nil, err
	}
	var drives []*drive.File
	var labels []drive.Label
	var raw []*os.File
	stop = func() {
		for i := range drives {
			_ = errors.Join(drives[i].Close(), raw[i].Close())
		}
		_ = os.RemoveAll(dir)
	}
	for i := range n {
		serial := fmt.Sprintf("FILE%03d", i)
		d, label, err := drive.CreateFile(filepath.Join(dir, serial),
			drive.Config{Serial: serial, SectorSize: 512, Sectors: 4096, TryLimit: 5, PBKDF2Iterations: 1000},
			drive.FileOptions{Entropy: entropy.Stream(1, serial)})
		if err != nil {
			return nil, nil, nil, err
		}
		f, err := os.Create(filepath.Join(dir, "raw"+serial))
		if err != nil {
			return nil, nil, nil, err
		}
		if _, err := f.Write(make([]byte, 1<<16)); err != nil {
			return nil, nil, nil, err
		}
		drives, labels, raw = append(drives, d), append(labels, label), append(raw, f)
	}
	page := make([]byte, 4096)
	var written time.Duration
	ours = func(int) (erased time.Duration, err error) {
		page[0]++
		written = 0
		for i, d := range drives { // in turns, so that both find the same disk
			start := elapsed()
			with(d.Drive, drive.EraseMaster, labels[i].MSID, drive.Session.EraseAll)
			between := elapsed()
			_, err := raw[i].WriteAt(page, 8192)
			if err = errors.Join(err, raw[i].Sync()); err != nil {
				return 0, err
			}
			erased += between - start
			written += elapsed() - between
		}
		return erased, nil
	}
	theirs = func(int) (time.Duration, error) { return written, nil }
	return ours, theirs, stop, nil
}

// sweep is the command, on two cores by the clock.
func sweep() row {
	return row{
		name: "fdelab sweep, one deep, two cores", most: 6 * time.Second, once: true, turns: 2, wall: true,
		prepare: func() (ours, theirs side, stop func(), err error) {
			dir, err := os.MkdirTemp("", "fdelab-bench-")
			if err != nil {
				return nil, nil, nil, err
			}
			bin := filepath.Join(dir, "fdelab")
			build := exec.Command("go", "build", "-o", bin, "github.com/seed-9d983aeb/fdelab/cmd/fdelab")
			if out, err := build.CombinedOutput(); err != nil {
				return nil, nil, nil, fmt.Errorf("go build of fdelab: %w: %s", err, out)
			}
			ours = calls(func() error {
				c := exec.Command(bin, "sweep")
				c.Env = append(os.Environ(), "GOMAXPROCS=2")
				return c.Run()
			}, elapsed)
			return ours, nil, func() { _ = os.RemoveAll(dir) }, nil
		},
	}
}
