package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

var cryptsetupSteps = []step{
	{"cryptsetup --hw-opal-only: format, open, files, close", func(t *trial) error { return t.luksFormat("--hw-opal-only") }, false},
	{"cryptsetup --hw-opal-only: closed, the range is locked", (*trial).luksClosed, false},
	{"cryptsetup --hw-opal-only: after a loss of power it opens, with the files", (*trial).luksReopen, false},
	{"cryptsetup --hw-opal-only: a wrong passphrase opens nothing", (*trial).luksWrong, false},
	{"cryptsetup --hw-opal-only: luksSuspend and luksResume", (*trial).luksSuspend, false},
	{"cryptsetup --hw-opal-only: power lost while a file is written: an error, and the file system comes back", (*trial).luksCut, false},
	{"cryptsetup --hw-opal-only: erase gives the data up", func(t *trial) error { return t.luksErase("hw-opal-only") }, false},
	{"cryptsetup --hw-opal-factory-reset: by PSID", func(t *trial) error { return t.luksFactoryReset("hw-opal-only") }, false},
	{"cryptsetup --hw-opal: format, open, files, close", func(t *trial) error { return t.luksFormat("--hw-opal") }, false},
	{"cryptsetup --hw-opal: after a loss of power it opens, with the files", (*trial).luksReopen, false},
	{"cryptsetup --hw-opal: luksSuspend and luksResume", (*trial).luksSuspend, false},
	{"cryptsetup --hw-opal: erase gives the data up", func(t *trial) error { return t.luksErase("hw-opal") }, false},
	{"cryptsetup --hw-opal: factory reset of a drive in use", func(t *trial) error { return t.luksFactoryReset("hw-opal") }, false},
}

const (
	passphrase = "open sesame"
	opalAdmin  = "the admin of Opal"
	mapped     = "/dev/mapper/judged"
	mounted    = "/mnt"
)

func (t *trial) luksOpen() error {
	_, err := run(passphrase, "cryptsetup", "open", "/dev/nvme0n1", "judged", "--key-file", "-")
	return err
}

func (t *trial) luksClose() error { return runs("cryptsetup close judged") }

// file is what lies on the file system.
func file() []byte { return bytes.Repeat([]byte("fdelab judges. "), 20000) }

func (t *trial) mountIt() error { return syscall.Mount(mapped, mounted, "ext4", 0, "") }

func unmount() error { return syscall.Unmount(mounted, 0) }

func (t *trial) luksFormat(how string) error {
	if err := t.fresh(); err != nil {
		return err
	}
	_, err := run(passphrase+"\n"+opalAdmin+"\n", "cryptsetup", "luksFormat", "-q", "--type", "luks2", how,
		"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "/dev/nvme0n1")
	if err != nil {
		return err
	}
	if err := t.luksOpen(); err != nil {
		return err
	}
	if err := runs("mke2fs -q -t ext4 " + mapped); err != nil {
		return err
	}
	if err := t.mountIt(); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := os.WriteFile(mounted+"/file", file(), 0o600); err != nil {
		return err
	}
	if err := errors.Join(unmount(), t.luksClose()); err != nil {
		return err
	}
	return nil
}

// dataStart is where cryptsetup begins its range: behind a header of 16 MiB.
const dataStart = 16 << 20

func (t *trial) luksClosed() error {
	if _, err := t.disk.ReadAt(buffer(sector), dataStart); !denied(err) {
		return fmt.Errorf("reading the closed device: %v", err)
	}
	_, err := t.disk.ReadAt(buffer(sector), 0)
	return err
}

// hasFile wants the file to be on the file system of the open device.
func (t *trial) hasFile() error {
	if err := t.mountIt(); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	b, err := os.ReadFile(mounted + "/file")
	if err = errors.Join(err, unmount()); err != nil {
		return err
	}
	if !bytes.Equal(b, file()) {
		return errors.New("the file is not what it was")
	}
	return nil
}

func (t *trial) luksReopen() error {
	if err := t.powerCycle(); err != nil {
		return err
	}
	if err := t.luksClosed(); err != nil {
		return err
	}
	if err := t.luksOpen(); err != nil {
		return err
	}
	return errors.Join(t.hasFile(), t.luksClose())
}

func (t *trial) luksWrong() error {
	if err := refused("No key available with this passphrase", "close sesame", "cryptsetup", "open", "/dev/nvme0n1", "judged", "--key-file", "-"); err != nil {
		return err
	}
	return t.luksClosed()
}

// luksSuspend suspends an open device: its range is locked meanwhile, and what is written waits.
func (t *trial) luksSuspend() error {
	if err := t.luksOpen(); err != nil {
		return err
	}
	if err := runs("cryptsetup luksSuspend judged"); err != nil {
		return err
	}
	if err := t.luksClosed(); err != nil {
		return err
	}
	if _, err := run(passphrase, "cryptsetup", "luksResume", "judged", "--key-file", "-"); err != nil {
		return err
	}
	return errors.Join(t.hasFile(), t.luksClose())
}

// luksCut takes the power of a drive that is in use. Its range is locked when it comes back, so what the kernel
// sends again is refused; the file system is whole once somebody has unlocked it.
func (t *trial) luksCut() error {
	if err := t.luksOpen(); err != nil {
		return err
	}
	if err := t.mountIt(); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	back, written := make(chan struct{}), make(chan error, 1)
	go func() { written <- writeUntil(back) }()
	time.Sleep(200 * time.Millisecond)
	if err := t.powerCycle(); err != nil {
		return err
	}
	close(back)
	// EROFS: the journal of ext4 was refused first.
	if err := <-written; !denied(err) && !errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("writing a file to the locked range: %v", err)
	}
	if err := readMapped(); !denied(err) {
		return fmt.Errorf("reading the device that was open: %v", err)
	}
	if err := t.luksClosed(); err != nil {
		return err
	}
	_ = unmount()
	if err := t.luksClose(); err != nil {
		return err
	}
	if err := t.luksOpen(); err != nil {
		return err
	}
	if out, err := run("", "e2fsck", "-f", "-p", mapped); err != nil && !strings.Contains(err.Error(), "exit status 1") {
		return fmt.Errorf("%w: %s", err, out)
	}
	return errors.Join(t.hasFile(), t.luksClose())
}

// writeUntil writes the same 64 KiB of a file again and again, up to the first refusal. The last time begins after back
// is closed. The file does not grow: a full file system is an error too, and another one. ENOLINK is no refusal: the
// kernel gave up a request because its connection was lost.
func writeUntil(back <-chan struct{}) error {
	f, err := os.Create(mounted + "/cut")
	if err != nil {
		return err
	}
	end := time.Now().Add(time.Minute)
	for last := false; !last; {
		select {
		case <-back:
			last = true
		default:
		}
		if _, err = f.WriteAt(file()[:64<<10], 0); err == nil {
			err = f.Sync()
		}
		switch lost := errors.Is(err, syscall.ENOLINK); {
		case lost && time.Now().Before(end):
			last = false
			time.Sleep(20 * time.Millisecond)
		case err != nil:
			last = true
		}
	}
	return errors.Join(err, f.Close())
}

// readMapped reads a sector of the open device, from the drive and not from the page cache.
func readMapped() error {
	f, err := os.OpenFile(mapped, os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		return err
	}
	_, err = f.ReadAt(buffer(sector), 0)
	return errors.Join(err, f.Close())
}

// luksErase has the thief look for a sector of the range as it was when the device was open.
func (t *trial) luksErase(name string) error {
	if err := t.luksOpen(); err != nil {
		return err
	}
	f, err := os.OpenFile(mapped, os.O_RDWR|syscall.O_DIRECT, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(pattern(8), 40<<20)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := t.witness("cryptsetup-erase-"+name, (dataStart+40<<20)/sector+3); err != nil {
		return err
	}
	if err := t.luksClose(); err != nil {
		return err
	}
	if _, err := run(opalAdmin+"\n", "cryptsetup", "luksErase", "-q", "/dev/nvme0n1"); err != nil {
		return err
	}
	if err := erased("cryptsetup-erase-" + name); err != nil {
		return err
	}
	if _, err := run(passphrase, "cryptsetup", "open", "/dev/nvme0n1", "judged", "--key-file", "-"); err == nil {
		return errors.New("it opens still")
	}
	return nil
}

func (t *trial) luksFactoryReset(name string) error {
	name = "cryptsetup-factory-reset-" + name
	if err := t.far(); err != nil {
		return err
	}
	if err := t.witness(name, 4*size/sector+3); err != nil {
		return err
	}
	psid := os.Getenv("OPAL2_PSID_FILE")
	if _, err := run("", "cryptsetup", "luksErase", "-q", "--hw-opal-factory-reset", "--key-file", psid, "/dev/nvme0n1"); err != nil {
		return err
	}
	if err := erased(name); err != nil {
		return err
	}
	if err := t.wantStatus(flagLockingEnabled|flagLocked|flagMBREnabled, 0); err != nil {
		return err
	}
	return t.gone()
}
