package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// step is one thing that is tried.
type step struct {
	name   string
	do     func(*trial) error
	needed bool // nothing goes on without it
}

// attempt does a step. What panics has failed.
func attempt(s step, t *trial) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the guest itself: %v", r)
		}
	}()
	return s.do(t)
}

func chosen(name string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}

var steps = slices.Concat([]step{
	{"the disk is there", (*trial).open, true},
	{"write and read 1 MiB", (*trial).writeAndRead, false},
	{"discard: reads zeros", (*trial).discard, false},
}, opalSteps, singleUserSteps, nvmeSteps, sedSteps, cryptsetupSteps, sedutilSteps, fioSteps, []step{
	{"reset of the controller: the disk comes back", (*trial).reset, false},
})

// trial is the disk.
type trial struct {
	disk *os.File // /dev/nvme0n1, without the page cache
	ctrl *os.File // /dev/nvme0
}

const (
	size   = 1 << 20
	sector = 4096
)

// buffer gives memory that lies as direct I/O wants it.
func buffer(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	return b
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) (int, error) {
	r, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg))
	if e != 0 {
		return int(r), e
	}
	return int(r), nil
}

func (t *trial) open() (err error) {
	if t.disk, err = wait("/dev/nvme0n1", os.O_RDWR|syscall.O_DIRECT); err != nil {
		return err
	}
	t.ctrl, err = wait("/dev/nvme0", os.O_RDWR)
	return err
}

// wait opens a device once it is there.
func wait(path string, flags int) (f *os.File, err error) {
	for range 200 {
		if f, err = os.OpenFile(path, flags, 0); err == nil {
			return f, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}

// pattern fills 1 MiB with something.
func pattern(seed byte) []byte {
	b := buffer(size)
	for i := range b {
		b[i] = byte(i>>12) ^ byte(i*7) ^ seed
	}
	return b
}

// put writes a pattern at the beginning of the disk and reads it back; has reads it.
func (t *trial) put(seed byte) error {
	if _, err := t.disk.WriteAt(pattern(seed), 0); err != nil {
		return err
	}
	if err := t.disk.Sync(); err != nil {
		return err
	}
	return t.has(seed)
}

func (t *trial) has(seed byte) error {
	b := buffer(size)
	if _, err := t.disk.ReadAt(b, 0); err != nil {
		return err
	}
	if string(b) != string(pattern(seed)) {
		return fmt.Errorf("what was read is not what was written")
	}
	return nil
}

// constant wants the beginning of the disk to read as one byte throughout.
func (t *trial) constant(c byte) error {
	b := buffer(size)
	if _, err := t.disk.ReadAt(b, 0); err != nil {
		return err
	}
	for i := range b {
		if b[i] != c {
			return fmt.Errorf("byte %d is %02X, want %02X", i, b[i], c)
		}
	}
	return nil
}

func (t *trial) writeAndRead() error { return t.put(1) }

func (t *trial) discard() error {
	const blkDiscard = 0x1277
	span := [2]uint64{0, size}
	if _, err := ioctl(t.disk, blkDiscard, unsafe.Pointer(&span)); err != nil {
		return err
	}
	return t.constant(0)
}
