package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// boot is process 1. It does not come back.
func boot() {
	passed, failed := 0, 0
	defer func() {
		if r := recover(); r != nil {
			fmt.Println("not ok: the guest itself:", r)
			failed++
		}
		fmt.Printf("%d passed, %d failed\n", passed, failed)
		time.Sleep(100 * time.Millisecond) // the serial line
		_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
		select {}
	}()
	t := &trial{}
	for _, s := range steps {
		began := time.Now()
		err := s.do(t)
		if err != nil {
			failed++
			fmt.Printf("not ok: %s: %v\n", s.name, err)
			if s.needed {
				return
			}
			continue
		}
		passed++
		fmt.Printf("ok: %s (%.1fs)\n", s.name, time.Since(began).Seconds())
	}
}

// step is one thing that is tried.
type step struct {
	name   string
	do     func(*trial) error
	needed bool // nothing goes on without it
}

var steps = []step{
	{"the kernel has what it needs", (*trial).prepare, true},
	{"connect", (*trial).connect, true},
	{"write and read 1 MiB", (*trial).writeAndRead, false},
	{"discard: reads zeros", (*trial).discard, false},
	{"sed-opal: the kernel has found an Opal drive", (*trial).supported, false},
	{"sed-opal: take ownership, activate, set up a range", (*trial).own, false},
	{"sed-opal: a locked range is an error, beside it all is well", (*trial).lock, false},
	{"sed-opal: unlocked, the data are there", (*trial).unlock, false},
	{"sed-opal: a wrong password does not unlock", (*trial).wrongPassword, false},
	{"sed-opal: erase of the range gives its data up", (*trial).eraseRange, false},
	{"sed-opal: revert gives everything up", (*trial).revert, false},
	{"format, with cryptographic erase", (*trial).format, false},
	{"sanitize: crypto erase", func(t *trial) error { return t.sanitize(4, 0) }, false},
	{"sanitize: block erase", func(t *trial) error { return t.sanitize(2, 0) }, false},
	{"sanitize: overwrite, without deallocation", func(t *trial) error { return t.sanitize(3|1<<4|1<<9, 0xA5A5A5A5) }, false},
	{"reset of the controller: the disk comes back", (*trial).reset, false},
}

// trial is the disk.
type trial struct {
	args map[string]string
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

func (t *trial) prepare() error {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := syscall.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && err != syscall.EBUSY {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	modules, err := filepath.Glob("/modules/*")
	if err != nil {
		return err
	}
	slices.Sort(modules)
	for _, m := range modules {
		if err := load(m); err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	t.args = map[string]string{}
	for _, w := range strings.Fields(string(line)) {
		name, value, _ := strings.Cut(w, "=")
		t.args[name] = value
	}
	return network("eth0", [4]byte{10, 0, 2, 15})
}

// load loads a module, compressed as Debian has it.
func load(path string) error {
	const finitModule, compressed = 313, 4
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	none := [1]byte{}
	_, _, e := syscall.Syscall(finitModule, f.Fd(), uintptr(unsafe.Pointer(&none[0])), compressed)
	if e != 0 && e != syscall.EEXIST {
		return e
	}
	return nil
}

// network gives an interface its address, in a net of 24 bits.
func network(name string, address [4]byte) error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	set := func(request uintptr, value []byte) error {
		var r [40]byte // struct ifreq
		copy(r[:15], name)
		copy(r[16:], value)
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), request, uintptr(unsafe.Pointer(&r[0]))); e != 0 {
			return fmt.Errorf("%s: %w", name, e)
		}
		return nil
	}
	in := func(a [4]byte) []byte { return append([]byte{syscall.AF_INET, 0, 0, 0}, a[:]...) }
	for range 100 {
		if err = set(syscall.SIOCSIFADDR, in(address)); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	if err := set(syscall.SIOCSIFNETMASK, in([4]byte{255, 255, 255, 0})); err != nil {
		return err
	}
	return set(syscall.SIOCSIFFLAGS, []byte{syscall.IFF_UP, 0})
}

func (t *trial) connect() error {
	f, err := os.OpenFile("/dev/nvme-fabrics", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	options := fmt.Sprintf("transport=tcp,traddr=%s,trsvcid=%s,nqn=%s,nr_io_queues=2,queue_size=32,reconnect_delay=1,"+
		"hostnqn=nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555,hostid=11111111-2222-3333-4444-555555555555",
		t.args["fdelab.addr"], t.args["fdelab.port"], t.args["fdelab.nqn"])
	if _, err := f.Write([]byte(options)); err != nil {
		return err
	}
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
