package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

var sedutilSteps = []step{
	{"sedutil-cli: query", (*trial).sedutilQuery, false},
	{"sedutil-cli: initial setup, lock, unlock, revert", (*trial).sedutil, false},
	{"sedutil-cli: PSID revert of a locked drive", (*trial).sedutilPSID, false},
}

func (t *trial) sedutilQuery() error {
	out, err := run("", "sedutil-cli", "--query", "/dev/nvme0")
	if err != nil {
		return err
	}
	for _, want := range []string{"Locking function (0x0002)", "OPAL 2.0 function (0x0203)", "LockingSupported = Y"} {
		if !strings.Contains(out, want) {
			return fmt.Errorf("no %q in what it prints: %s", want, out)
		}
	}
	return nil
}

// sedutilOwn sets a drive up, without hashing passwords (-n), which takes this processor a while.
func (t *trial) sedutilOwn() error {
	if err := t.fresh(); err != nil {
		return err
	}
	return runs("sedutil-cli -n --initialSetup "+other[:6]+" /dev/nvme0", "sedutil-cli -n --setMBREnable off "+other[:6]+" /dev/nvme0",
		"sedutil-cli -n --setupLockingRange 1 0 256 "+other[:6]+" /dev/nvme0", "sedutil-cli -n --enableLockingRange 1 "+other[:6]+" /dev/nvme0")
}

func (t *trial) sedutil() error {
	if err := t.sedutilOwn(); err != nil {
		return err
	}
	if err := t.put(9); err != nil {
		return err
	}
	if err := runs("sedutil-cli -n --setLockingRange 1 LK " + other[:6] + " /dev/nvme0"); err != nil {
		return err
	}
	if err := t.shut(); err != nil {
		return err
	}
	if _, err := run("", "sedutil-cli", "-n", "--setLockingRange", "1", "RW", "wrong", "/dev/nvme0"); err == nil {
		return errors.New("a wrong password unlocks")
	}
	if err := runs("sedutil-cli -n --setLockingRange 1 RW " + other[:6] + " /dev/nvme0"); err != nil {
		return err
	}
	if err := t.has(9); err != nil {
		return err
	}
	if err := t.witness("sedutil-revert", 12); err != nil {
		return err
	}
	if err := runs("sedutil-cli -n --revertTPer " + other[:6] + " /dev/nvme0"); err != nil {
		return err
	}
	if t.has(9) == nil {
		return errors.New("the data are still there")
	}
	return erased("sedutil-revert")
}

func (t *trial) sedutilPSID() error {
	if err := t.own(); err != nil {
		return err
	}
	if err := t.put(9); err != nil {
		return err
	}
	if err := t.witness("sedutil-PSID-revert", 13); err != nil {
		return err
	}
	if err := t.powerCycle(); err != nil {
		return err
	}
	if err := t.shut(); err != nil {
		return err
	}
	psid, err := os.ReadFile(os.Getenv("OPAL2_PSID_FILE"))
	if err != nil {
		return err
	}
	if err := runs("sedutil-cli -n --yesIreallywanttoERASEALLmydatausingthePSID " + string(psid) + " /dev/nvme0"); err != nil {
		return err
	}
	if err := erased("sedutil-PSID-revert"); err != nil {
		return err
	}
	return t.wantStatus(flagLockingEnabled|flagLocked, 0)
}

var fioSteps = []step{
	{"fio: random reads and writes, verified, at depth 16", (*trial).fio, false},
	{"fio: verified, while the drive loses its power twice", (*trial).fioCut, false},
	{"fio: a locked range fails, and keeps its data", (*trial).fioLocked, false},
}

// fioJob writes with checksums and reads back.
func fioJob(more ...string) []string {
	return append([]string{
		"--name=judge", "--filename=/dev/nvme0n1", "--direct=1", "--ioengine=libaio", "--iodepth=16", "--rw=randwrite",
		"--bsrange=4k-128k", "--size=16m", "--verify=crc32c", "--verify_fatal=1", "--randseed=1", "--minimal",
	}, more...)
}

func (t *trial) fio() error {
	_, err := run("", "fio", fioJob()...)
	return err
}

// fioCut: no range is locked, so what the kernel had in flight is sent again, and all of it is there at the end.
func (t *trial) fioCut() error {
	c := exec.Command("fio", fioJob("--size=16m", "--bs=16k", "--rate=4m")...)
	done := make(chan error, 1)
	go func() {
		out, err := c.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("fio: %w: %s", err, lastLines(string(out), 3))
		}
		done <- err
	}()
	for range 2 {
		time.Sleep(700 * time.Millisecond)
		if err := t.powerCycle(); err != nil {
			return err
		}
	}
	return <-done
}

func (t *trial) fioLocked() error {
	if err := t.own(); err != nil {
		return err
	}
	if err := t.put(2); err != nil {
		return err
	}
	if err := t.setLock(locked, password); err != nil {
		return err
	}
	for _, rw := range []string{"randread", "randwrite"} {
		if err := refused("No data available", "", "fio", fioJob("--rw="+rw, "--size=1m", "--verify=0")...); err != nil {
			return err
		}
	}
	if err := t.setLock(readWrite, password); err != nil {
		return err
	}
	if err := t.has(2); err != nil {
		return err
	}
	return t.opal(revertTPr, opalKey(0, password))
}
