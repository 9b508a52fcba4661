package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

const other = "battery staple"

func (t *trial) rangeStatus() error {
	b := append(session(admin1, 1, password), make([]byte, 32)...) // struct opal_lr_status
	if err := t.opal(getLRStatus, b); err != nil {
		return err
	}
	le := binary.LittleEndian
	start, length, state := le.Uint64(b[sessionSize:]), le.Uint64(b[sessionSize+8:]), le.Uint32(b[sessionSize+24:])
	if start != 0 || length != size/sector || b[sessionSize+16] != 1 || b[sessionSize+20] != 1 || state != readWrite {
		return fmt.Errorf("range at %d of %d sectors, locks %v, state %d", start, length, b[sessionSize+16:sessionSize+24], state)
	}
	return nil
}

func (t *trial) readOnly() error {
	if err := t.setLock(readOnly, password); err != nil {
		return err
	}
	if err := t.has(2); err != nil {
		return err
	}
	if _, err := t.disk.WriteAt(buffer(sector), 0); !denied(err) {
		return fmt.Errorf("writing a read-only sector: %v", err)
	}
	return t.setLock(readWrite, password)
}

// user has User1 lock and unlock range 1.
func (t *trial) user() error {
	if err := t.opal(activateUser, session(user1, 0, password)); err != nil {
		return err
	}
	for _, state := range []uint32{readWrite, readOnly} { // both columns of the range
		if err := t.opal(addUserToLR, lockState(userOf(user1, 1, password), state)); err != nil {
			return err
		}
	}
	if err := t.opal(setPassword, append(session(admin1, 0, password), session(user1, 0, userKey)...)); err != nil {
		return err
	}
	if err := t.userLock(locked); err != nil {
		return err
	}
	if err := t.shut(); err != nil {
		return err
	}
	if err := t.opal(lockUnlock, lockState(session(user1, 1, other), readWrite)); err == nil {
		return errors.New("a wrong password of User1 unlocks")
	}
	if err := t.userLock(readWrite); err != nil {
		return err
	}
	return t.has(2)
}

const (
	user1   = 1
	userKey = "user one"
)

// userLock is setLock by User1.
func (t *trial) userLock(state uint32) error {
	return t.opal(lockUnlock, lockState(session(user1, 1, userKey), state))
}

// userOf is a session of Admin1, in which a user is named: struct opal_lock_unlock of ADD_USR_TO_LR has him in who.
func userOf(who uint32, lr byte, key string) []byte { return session(who, lr, key) }

// lockedByPower saves the password in the kernel as well, which is no way around the drive: the kernel uses it
// after a suspend alone.
func (t *trial) lockedByPower() error {
	if err := t.opal(save, lockState(session(user1, 1, userKey), readWrite)); err != nil {
		return err
	}
	if err := t.has(2); err != nil {
		return err
	}
	if err := t.powerCycle(); err != nil {
		return err
	}
	if err := t.shut(); err != nil {
		return err
	}
	if err := t.userLock(readWrite); err != nil {
		return err
	}
	return t.has(2)
}

// newPasswords changes both, and changes them back.
func (t *trial) newPasswords() error {
	for _, nr := range []uintptr{setPassword, setSIDPassword} {
		for _, step := range [][2]string{{password, other}, {other, password}} {
			err := t.opal(nr, append(session(admin1, 0, step[0]), session(admin1, 0, step[1])...))
			if nr == setSIDPassword && errors.Is(err, syscall.ENOTTY) {
				fmt.Println("note: this kernel changes no password of SID")
				return nil
			}
			if err != nil {
				return err
			}
			if nr == setPassword && step[1] == other && t.rangeStatus() == nil {
				return errors.New("the old password still holds")
			}
		}
	}
	return nil
}

// shadow writes the MBR shadow, has it shown in place of the disk after a loss of power, and away again.
func (t *trial) shadow() error {
	text := bytes.Repeat([]byte("fdelab "), 1000)
	arg := append(opalKey(0, password), make([]byte, 24)...) // struct opal_shadow_mbr
	le := binary.LittleEndian
	le.PutUint64(arg[keySize:], address(text))
	le.PutUint64(arg[keySize+16:], uint64(len(text)))
	err := t.opal(writeShadowMBR, arg)
	runtime.KeepAlive(text)
	if err != nil {
		return err
	}
	const enable, disable = 0, 1 // enum opal_mbr
	if err := t.opal(enableDisableMBR, flagged(enable)); err != nil {
		return err
	}
	if err := t.powerCycle(); err != nil {
		return err
	}
	if err := t.wantStatus(flagMBREnabled|flagMBRDone, flagMBREnabled); err != nil {
		return err
	}
	b := buffer(2 * sector)
	if _, err := t.disk.ReadAt(b, 0); err != nil {
		return err
	}
	if !bytes.HasPrefix(b, text) {
		return fmt.Errorf("the disk begins with %q, not with the MBR shadow", b[:16])
	}
	if err := t.opal(mbrDone, flagged(1)); err != nil {
		return err
	}
	if err := t.userLock(readWrite); err != nil {
		return err
	}
	if err := t.has(2); err != nil {
		return err
	}
	return t.opal(enableDisableMBR, flagged(disable))
}

// flagged is struct opal_mbr_data and struct opal_mbr_done.
func flagged(flag byte) []byte { return append(opalKey(0, password), flag, 0, 0, 0, 0, 0, 0, 0) }

func (t *trial) dataStore() error {
	const read, write = 1, 2 // 1 << enum opal_table_ops
	do := func(flags uint64, b []byte) error {
		arg := append(opalKey(0, password), make([]byte, 48)...) // struct opal_read_write_table
		le := binary.LittleEndian
		le.PutUint64(arg[keySize:], address(b))
		copy(arg[keySize+8:], []byte{0, 0, 0x10, 1, 0, 0, 0, 0}) // UID of the table DataStore
		le.PutUint64(arg[keySize+16:], 4096)                     // offset
		le.PutUint64(arg[keySize+24:], uint64(len(b)))
		le.PutUint64(arg[keySize+32:], flags)
		err := t.opal(genericTable, arg)
		runtime.KeepAlive(b)
		return err
	}
	text := bytes.Repeat([]byte("what is kept\n"), 500)
	if err := do(write, text); err != nil {
		return err
	}
	back := make([]byte, len(text))
	if err := do(read, back); err != nil {
		return err
	}
	if !bytes.Equal(text, back) {
		return fmt.Errorf("read %q", back[:26])
	}
	return nil
}

// keepData reverts the Locking SP, and unlike a revert of the drive keeps the global range's data.
func (t *trial) keepData() error {
	if err := t.far(); err != nil {
		return err
	}
	const preserve = 1
	if err := t.opal(revertLSP, append(opalKey(0, password), preserve, 0, 0, 0, 0, 0, 0, 0)); err != nil {
		return err
	}
	if err := t.wantStatus(flagLockingEnabled, 0); err != nil {
		return err
	}
	b := buffer(size)
	if _, err := t.disk.ReadAt(b, 4*size); err != nil {
		return err
	}
	if string(b) != string(pattern(3)) {
		return errors.New("the data of the global range are gone")
	}
	return nil
}

var singleUserSteps = []step{
	{"sed-opal, Single User Mode: the user owns a range, and Admin1 does not", (*trial).singleUser, false},
	{"sed-opal, Single User Mode: erase of a range gives its data and its password up", (*trial).singleUserErase, false},
}

// sumSession is struct opal_session_info of the user who owns a range in Single User Mode.
func sumSession(lr byte, key string) []byte {
	b := session(uint32(lr)+1, lr, key)
	b[0] = 1
	return b
}

const sumKey = "mine alone"

func (t *trial) singleUser() error {
	if err := t.fresh(); err != nil {
		return err
	}
	if err := t.opal(takeOwnership, opalKey(0, password)); err != nil {
		return err
	}
	if err := t.opal(activateLSP, activation(1)); err != nil {
		return err
	}
	if err := t.opal(setPassword, append(sumSession(1, ""), sumSession(1, sumKey)...)); err != nil {
		return err
	}
	if err := t.opal(lrSetup, rangeSetup(sumSession(1, sumKey))); err != nil {
		return err
	}
	if err := t.put(2); err != nil {
		return err
	}
	if err := t.opal(lockUnlock, lockState(sumSession(1, sumKey), locked)); err != nil {
		return err
	}
	if err := t.shut(); err != nil {
		return err
	}
	if err := t.setLock(readWrite, password); err == nil {
		return errors.New("Admin1 unlocks the user's range")
	}
	if err := t.opal(lockUnlock, lockState(sumSession(1, sumKey), readWrite)); err != nil {
		return err
	}
	return t.has(2)
}

func (t *trial) singleUserErase() error {
	const name = "erase-in-Single-User-Mode"
	if err := t.witness(name, 9); err != nil {
		return err
	}
	if err := t.opal(eraseLR, sumSession(1, password)); err == nil {
		return errors.New("another password erases")
	}
	if err := t.opal(eraseLR, sumSession(1, sumKey)); err != nil {
		return err
	}
	if t.has(2) == nil {
		return errors.New("the data are still there")
	}
	if err := erased(name); err != nil {
		return err
	}
	if err := t.opal(lockUnlock, lockState(sumSession(1, sumKey), readWrite)); err == nil {
		return errors.New("the password still holds")
	}
	return t.opal(revertTPr, opalKey(0, password))
}
