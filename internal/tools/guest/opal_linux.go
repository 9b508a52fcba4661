package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

// The structures of linux/sed-opal.h as bytes. opalKey is struct opal_key: lr, key_len, key_type, key from 8 on.
const (
	keySize     = 264
	sessionSize = 8 + keySize
)

func opalKey(lr byte, key string) []byte {
	b := make([]byte, keySize)
	b[0], b[1] = lr, byte(len(key))
	copy(b[8:], key)
	return b
}

const admin1 = 0

// session is struct opal_session_info.
func session(who uint32, lr byte, key string) []byte {
	b := make([]byte, 8, sessionSize)
	binary.LittleEndian.PutUint32(b[4:], who)
	return append(b, opalKey(lr, key)...)
}

const (
	takeOwnership = 222
	lockUnlock    = 221
	activateLSP   = 223
	revertTPr     = 226
	lrSetup       = 227
	secureErase   = 231
	getStatus     = 236

	readWrite = 2
	locked    = 4
)

// opal does an ioctl of sed-opal: number, argument. A status above 0 is one of TCG.
func (t *trial) opal(nr uintptr, arg []byte) error {
	const write = 1 << 30
	status, err := ioctl(t.disk, write|uintptr(len(arg))<<16|'p'<<8|nr, unsafe.Pointer(&arg[0]))
	if err == nil && status != 0 {
		err = fmt.Errorf("status %02Xh of TCG", status)
	}
	if err != nil {
		return fmt.Errorf("ioctl %d: %w", nr, err)
	}
	return nil
}

func (t *trial) supported() error {
	const read = 2 << 30
	var b [8]byte
	if _, err := ioctl(t.disk, read|8<<16|'p'<<8|getStatus, unsafe.Pointer(&b)); err != nil {
		return err
	}
	if b[0]&3 != 3 {
		return fmt.Errorf("flags %02X: need supported (1) and locking supported (2)", b[0])
	}
	return nil
}

const password = "correct horse"

// own places range 1 over the first MiB.
func (t *trial) own() error {
	if err := t.opal(takeOwnership, opalKey(0, password)); err != nil {
		return err
	}
	activate := append(opalKey(0, password), make([]byte, 16)...)
	activate[keySize+4] = 1 // num_lrs
	if err := t.opal(activateLSP, activate); err != nil {
		return err
	}
	setup := make([]byte, 24)
	binary.LittleEndian.PutUint64(setup[8:], size/sector)
	setup[16], setup[20] = 1, 1
	return t.opal(lrSetup, append(setup, session(admin1, 1, password)...))
}

func (t *trial) setLock(state uint32, key string) error {
	b := binary.LittleEndian.AppendUint32(session(admin1, 1, key), state)
	return t.opal(lockUnlock, append(b, 0, 0, 0, 0))
}

func (t *trial) lock() error {
	if err := t.setLock(readWrite, password); err != nil {
		return err
	}
	if err := t.put(2); err != nil {
		return err
	}
	if err := t.setLock(locked, password); err != nil {
		return err
	}
	b := buffer(sector)
	if _, err := t.disk.ReadAt(b, 0); !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENODATA) {
		return fmt.Errorf("reading a locked sector: %v", err)
	}
	if _, err := t.disk.WriteAt(b, 0); !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENODATA) {
		return fmt.Errorf("writing a locked sector: %v", err)
	}
	_, err := t.disk.WriteAt(b, size)
	return err
}

func (t *trial) unlock() error {
	if err := t.setLock(readWrite, password); err != nil {
		return err
	}
	return t.has(2)
}

func (t *trial) wrongPassword() error {
	if err := t.setLock(locked, password); err != nil {
		return err
	}
	if err := t.setLock(readWrite, "battery staple"); err == nil {
		return errors.New("it does")
	}
	if _, err := t.disk.ReadAt(buffer(sector), 0); err == nil {
		return errors.New("the range is open")
	}
	return t.setLock(readWrite, password)
}

func (t *trial) eraseRange() error {
	if err := t.opal(secureErase, session(admin1, 1, password)); err != nil {
		return err
	}
	if t.has(2) == nil {
		return errors.New("the data are still there")
	}
	return nil
}

func (t *trial) revert() error {
	if _, err := t.disk.WriteAt(pattern(3), 4*size); err != nil {
		return err
	}
	if err := t.opal(revertTPr, opalKey(0, password)); err != nil {
		return err
	}
	b := buffer(size)
	if _, err := t.disk.ReadAt(b, 4*size); err != nil {
		return err
	}
	if string(b) == string(pattern(3)) {
		return errors.New("the data are still there")
	}
	return t.put(4)
}
