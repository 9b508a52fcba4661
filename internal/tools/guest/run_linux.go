package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// run runs a program with a text at its standard input, and gives what it printed. The program has no terminal, so
// it reads passwords from there too.
func run(in, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(in)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLines(string(out), 4))
	}
	return string(out), err
}

// runs runs one program after the other, until one fails.
func runs(lines ...string) error {
	for _, l := range lines {
		words := strings.Fields(l)
		if _, err := run("", words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// refused wants a program to fail with a text, and no other way.
func refused(want, in, name string, args ...string) error {
	out, err := run(in, name, args...)
	if err == nil {
		return fmt.Errorf("%s %s: it is done", name, strings.Join(args, " "))
	}
	if !strings.Contains(out, want) {
		return fmt.Errorf("%w; want %q", err, want)
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// host asks the host that serves the drive: contrib/ci/host, contrib/guest/more.
func host(line string, data []byte) (string, error) {
	c, err := net.DialTimeout("tcp", "10.0.2.100:9", 30*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(append([]byte(line+"\n"), data...)); err != nil {
		return "", fmt.Errorf("host %s: %w", line, err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return "", fmt.Errorf("host %s: %w", line, err)
	}
	answer, ok := bytes.CutSuffix(answer, []byte("= 0\n"))
	if !ok {
		return "", fmt.Errorf("host %s: %s", line, lastLines(string(answer), 4))
	}
	return string(answer), nil
}

// powerCycle takes the drive's power and gives it back, and waits until the kernel has it again.
func (t *trial) powerCycle() error {
	if _, err := host("power cycle", nil); err != nil {
		return err
	}
	return t.live()
}

// live waits until the kernel has connected the drive again: a command with which nothing happens is answered.
func (t *trial) live() error {
	var err error
	for range 600 {
		if err = t.admin(opGetLog, allNamespaces, buffer(512), 127<<16|logSanitize, 0); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the drive has not come back: %w", err)
}

// witness has the host keep the drive's file, and what a sector holds now: the thief looks for a key of it.
func (t *trial) witness(name string, lba int64) error {
	b := buffer(sector)
	if _, err := t.disk.ReadAt(b, lba*sector); err != nil {
		return err
	}
	if bytes.Count(b, b[:1]) == len(b) {
		return errors.New("the sector that the thief looks for is empty")
	}
	_, err := host(fmt.Sprintf("before %s %d", name, lba), b)
	return err
}

// erased has the host keep the drive's file once more: the thief must find no way to that sector.
func erased(name string) error {
	_, err := host("after "+name, nil)
	return err
}
