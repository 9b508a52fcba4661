//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/serve/nbd"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
)

const nbdkitLUKS = "nbdkit LUKS"

// disk does requests over one of several queues.
type disk interface {
	request(queue int, write bool, b []byte, offset uint64) error
	close()
}

// target is a server process.
type target struct {
	name string
	ours bool
	pid  int
	open func(queues int) (disk, error)
}

// processorTime is what the process has used (proc(5), fields 14 and 15, of 10 ms).
func (t *target) processorTime() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.pid))
	_, rest, ok := bytes.Cut(b, []byte(") "))
	f := strings.Fields(string(rest))
	if err != nil || !ok || len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// work sends requests for a while, and says how many were done in which time.
func (t *target) work(l load, queues, depth int, turn time.Duration) (n int, took time.Duration, err error) {
	d, err := t.open(queues)
	if err != nil {
		return 0, 0, err
	}
	defer d.close()
	var wg sync.WaitGroup
	var done, next atomic.Int64
	var over atomic.Bool
	errs := make([]error, queues*depth)
	begin := time.Now()
	for i := range errs {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			b := make([]byte, l.bytes)
			for at := range b {
				b[at] = byte(r.Uint32())
			}
			for !over.Load() {
				offset := uint64(r.IntN(size/l.bytes)) * uint64(l.bytes)
				if l.sequential {
					offset = uint64(next.Add(1)) % uint64(size/l.bytes) * uint64(l.bytes)
				}
				if errs[i] = d.request(i%queues, l.write, b, offset); errs[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	time.Sleep(turn)
	over.Store(true)
	wg.Wait()
	return int(done.Load()), time.Since(begin), errors.Join(errs...)
}

// fill writes all that will be read.
func (t *target) fill() error {
	d, err := t.open(1)
	if err != nil {
		return err
	}
	defer d.close()
	b := bytes.Repeat([]byte("fdelab load 16 b"), 8<<10)
	for at := 0; at < size; at += len(b) {
		if err := d.request(0, true, b, uint64(at)); err != nil {
			return err
		}
	}
	return nil
}

type nvmeDisk struct{ h *nvmetcp.Host }

func (d nvmeDisk) request(queue int, write bool, b []byte, offset uint64) error {
	lba := offset / uint64(d.h.SectorSize())
	if write {
		return d.h.Write(queue, lba, b)
	}
	return d.h.Read(queue, lba, b)
}

func (d nvmeDisk) close() { d.h.Close() }

type nbdDisk []*nbd.Client

func (d nbdDisk) request(queue int, write bool, b []byte, offset uint64) error {
	if write {
		return d[queue].Write(b, offset)
	}
	return d[queue].Read(b, offset)
}

func (d nbdDisk) close() {
	for _, c := range d {
		_ = c.Close()
	}
}

func openNBD(address, name string) func(queues int) (disk, error) {
	return func(queues int) (disk, error) {
		var d nbdDisk
		for range queues {
			c, err := nbd.Dial("tcp", address, name)
			if err != nil {
				d.close()
				return nil, err
			}
			d = append(d, c)
		}
		return d, nil
	}
}

// targets starts the servers. stop ends them, also behind an error.
func targets(dir string) (all []*target, stop func(), err error) {
	var running []*exec.Cmd
	stop = func() {
		for _, c := range running {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	start := func(name string, args ...string) (int, error) {
		c := exec.Command(name, args...)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return 0, err
		}
		running = append(running, c)
		return c.Process.Pid, nil
	}
	all, err = drives(dir, start)
	if err != nil {
		return nil, stop, err
	}
	peers, err := peers(dir, start)
	if err != nil {
		return nil, stop, err
	}
	all = append(all, peers...)
	for _, t := range all {
		if err := patiently(t.fill); err != nil {
			return nil, stop, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return all, stop, nil
}

// patiently tries until a server that was just started answers.
func patiently(f func() error) (err error) {
	for range 200 {
		if err = f(); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// drives serves a drive of fdelab by both protocols, in one process.
func drives(dir string, start func(name string, args ...string) (int, error)) ([]*target, error) {
	bin, file, ready := filepath.Join(dir, "fdelab"), filepath.Join(dir, "d.drive"), filepath.Join(dir, "ready")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/seed-9d983aeb/fdelab/cmd/fdelab").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build of fdelab: %w: %s", err, out)
	}
	create := exec.Command(bin, "drive", "create", file, "--serial", "LOAD", "--personality", "opal", "--sector-size", "4096", "--sectors", strconv.Itoa(size/4096))
	if out, err := create.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fdelab drive create: %w: %s", err, out)
	}
	pid, err := start(bin, "serve", file, "--nvme-tcp", "127.0.0.1:0", "--nbd", "127.0.0.1:0", "--ready-file", ready)
	if err != nil {
		return nil, err
	}
	var at struct {
		NVMe []struct{ NQN, Address, Port string } `json:"nvme_tcp"`
		NBD  []struct{ URI string }                `json:"nbd"`
	}
	err = patiently(func() error {
		b, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(b, &at)
	})
	if err != nil {
		return nil, err
	}
	uri, err := url.Parse(at.NBD[0].URI)
	if err != nil {
		return nil, err
	}
	nvme := net.JoinHostPort(at.NVMe[0].Address, at.NVMe[0].Port)
	return []*target{
		{"NVMe/TCP", true, pid, func(queues int) (disk, error) {
			h, err := nvmetcp.Dial(nvme, nvmetcp.HostOptions{Subsystem: at.NVMe[0].NQN, Queues: queues})
			return nvmeDisk{h}, err
		}},
		{"NBD", true, pid, openNBD(uri.Host, "")},
	}, nil
}

// peers serves memory and LUKS images by the servers of others.
func peers(dir string, start func(name string, args ...string) (int, error)) (all []*target, err error) {
	const passphrase = "load"
	image := func(name string) (string, error) {
		path := filepath.Join(dir, name)
		out, err := exec.Command("qemu-img", "create", "-q", "--object", "secret,id=s,data="+passphrase, "-f", "luks",
			"-o", "key-secret=s,iter-time=200", path, strconv.Itoa(size)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("qemu-img create: %w: %s", err, out)
		}
		return path, err
	}
	_, noQEMU := exec.LookPath("qemu-img")
	add := func(name, program string, args func(port string) ([]string, error)) error {
		if _, err := exec.LookPath(program); err != nil || noQEMU != nil {
			fmt.Fprintf(os.Stderr, "SKIPPED: %s: install nbdkit and qemu-utils\n", name)
			return nil
		}
		port, err := freePort()
		if err != nil {
			return err
		}
		a, err := args(port)
		if err != nil {
			return err
		}
		pid, err := start(program, a...)
		all = append(all, &target{name, false, pid, openNBD("127.0.0.1:"+port, "")})
		return err
	}
	err = errors.Join(
		add("nbdkit memory", "nbdkit", func(port string) ([]string, error) {
			return []string{"-f", "-i", "127.0.0.1", "-p", port, "memory", strconv.Itoa(size)}, nil
		}),
		add(nbdkitLUKS, "nbdkit", func(port string) ([]string, error) {
			path, err := image("nbdkit.luks")
			// Its memory plugin begins empty; data keeps what it begins with in the same memory.
			return []string{"-f", "-i", "127.0.0.1", "-p", port, "--filter=luks", "data", "data=<" + path, "passphrase=" + passphrase}, err
		}),
		add("nbdkit LUKS file", "nbdkit", func(port string) ([]string, error) {
			path, err := image("file.luks")
			return []string{"-f", "-i", "127.0.0.1", "-p", port, "--filter=luks", "file", path, "passphrase=" + passphrase}, err
		}),
		add("qemu-nbd LUKS", "qemu-nbd", func(port string) ([]string, error) {
			path, err := image("qemu.luks")
			return []string{
				"-t", "-b", "127.0.0.1", "-p", port, "-e", "8", "--object", "secret,id=s,data=" + passphrase,
				"--image-opts", "driver=luks,key-secret=s,file.filename=" + path,
			}, err
		}),
	)
	return all, err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
