package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
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
	save             = 220
	lockUnlock       = 221
	takeOwnership    = 222
	activateLSP      = 223
	setPassword      = 224
	activateUser     = 225
	revertTPr        = 226
	lrSetup          = 227
	addUserToLR      = 228
	enableDisableMBR = 229
	eraseLR          = 230
	secureErase      = 231
	psidRevert       = 232
	mbrDone          = 233
	writeShadowMBR   = 234
	genericTable     = 235
	getStatus        = 236
	getLRStatus      = 237
	getGeometry      = 238
	discovery        = 239
	revertLSP        = 240
	setSIDPassword   = 241

	readOnly  = 1
	readWrite = 2
	locked    = 4
)

var opalSteps = []step{
	{"sed-opal: the kernel has found an Opal drive", (*trial).supported, false},
	{"sed-opal: geometry and discovery", (*trial).geometry, false},
	{"sed-opal: take ownership, activate, set up a range", (*trial).own, false},
	{"sed-opal: a locked range is an error, beside it all is well", (*trial).lock, false},
	{"sed-opal: unlocked, the data are there", (*trial).unlock, false},
	{"sed-opal: status of a range", (*trial).rangeStatus, false},
	{"sed-opal: a read-only range is read, and not written", (*trial).readOnly, false},
	{"sed-opal: a wrong password does not unlock", (*trial).wrongPassword, false},
	{"sed-opal: a user is enabled, gets a range and a password, and unlocks it", (*trial).user, false},
	{"sed-opal: an unlocked range is locked after a loss of power", (*trial).lockedByPower, false},
	{"sed-opal: new passwords of Admin1 and of SID", (*trial).newPasswords, false},
	{"sed-opal: MBR shadow: written, shown, done", (*trial).shadow, false},
	{"sed-opal: the DataStore keeps what was written", (*trial).dataStore, false},
	{"sed-opal: secure erase of a range gives its data up", (*trial).eraseRange, false},
	{"sed-opal: revert of the Locking SP keeps the data if it is asked to", (*trial).keepData, false},
	{"sed-opal: revert gives everything up", (*trial).revert, false},
	{"sed-opal: revert by PSID gives everything up", (*trial).revertByPSID, false},
}

// opal does an ioctl of sed-opal: number, argument. A status above 0 is one of TCG.
func (t *trial) opal(nr uintptr, arg []byte) error {
	return t.opalOf(1<<30, nr, arg)
}

// opalRead does one whose argument the kernel only writes.
func (t *trial) opalRead(nr uintptr, arg []byte) error { return t.opalOf(2<<30, nr, arg) }

func (t *trial) opalOf(direction, nr uintptr, arg []byte) error {
	status, err := ioctl(t.disk, direction|uintptr(len(arg))<<16|'p'<<8|nr, unsafe.Pointer(&arg[0]))
	if err == nil && status != 0 {
		err = fmt.Errorf("status %02Xh of TCG", status)
	}
	if err != nil {
		return fmt.Errorf("ioctl %d: %w", nr, err)
	}
	return nil
}

// status gives the flags of struct opal_status.
func (t *trial) status() (uint32, error) {
	b := make([]byte, 8)
	err := t.opalRead(getStatus, b)
	return binary.LittleEndian.Uint32(b), err
}

const (
	flagSupported        = 0x01
	flagLockingSupported = 0x02
	flagLockingEnabled   = 0x04
	flagLocked           = 0x08
	flagMBREnabled       = 0x10
	flagMBRDone          = 0x20
	flagSingleUser       = 0x40
)

func (t *trial) wantStatus(mask, want uint32) error {
	is, err := t.status()
	if err == nil && is&mask != want {
		err = fmt.Errorf("flags %02X, of them %02X; want %02X", is, is&mask, want)
	}
	return err
}

func (t *trial) supported() error {
	const all = flagSupported | flagLockingSupported | flagSingleUser
	return t.wantStatus(all|flagLockingEnabled|flagLocked|flagMBREnabled, all)
}

// geometry is that of the disk, and discovery is what Level 0 Discovery gave the kernel.
func (t *trial) geometry() error {
	b := make([]byte, 32) // struct opal_geometry
	if err := t.opalRead(getGeometry, b); err != nil {
		return err
	}
	le := binary.LittleEndian
	if size, granularity := le.Uint32(b[4:]), le.Uint64(b[8:]); size != sector || granularity < 1 {
		return fmt.Errorf("sectors of %d bytes, granularity %d; want %d and 1 at least", size, granularity, sector)
	}
	page := buffer(sector)
	arg := make([]byte, 16) // struct opal_discovery
	le.PutUint64(arg, address(page))
	le.PutUint64(arg[8:], uint64(len(page)))
	n, err := ioctl(t.disk, 1<<30|16<<16|'p'<<8|discovery, unsafe.Pointer(&arg[0]))
	runtime.KeepAlive(page)
	if err != nil {
		return err
	}
	if has := int(binary.BigEndian.Uint32(page)); n != has || n < 48 { // the kernel leaves out the field itself
		return fmt.Errorf("%d bytes of discovery, its header says %d", n, has)
	}
	return nil
}

// address is that of memory that does not move.
func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) }

const password = "correct horse"

// fresh takes a drive that an earlier step may have left in use back to what the factory made.
func (t *trial) fresh() error {
	if t.wantStatus(flagLockingEnabled, 0) == nil {
		return nil
	}
	psid, err := os.ReadFile(os.Getenv("OPAL2_PSID_FILE"))
	if err != nil {
		return err
	}
	return t.opal(psidRevert, opalKey(0, string(psid)))
}

// own places range 1 over the first MiB.
func (t *trial) own() error {
	if err := t.fresh(); err != nil {
		return err
	}
	if err := t.opal(takeOwnership, opalKey(0, password)); err != nil {
		return err
	}
	if err := t.opal(activateLSP, activation(0)); err != nil {
		return err
	}
	if err := t.opal(lrSetup, rangeSetup(session(admin1, 1, password))); err != nil {
		return err
	}
	return t.wantStatus(flagLockingEnabled|flagLocked, flagLockingEnabled)
}

// activation is struct opal_lr_act for range 1, with or without Single User Mode.
func activation(sum uint32) []byte {
	b := append(opalKey(0, password), make([]byte, 16)...)
	binary.LittleEndian.PutUint32(b[keySize:], sum)
	b[keySize+4] = 1 // num_lrs
	b[keySize+5] = 1 // lr[0]
	return b
}

// rangeSetup is struct opal_user_lr_setup: the first MiB, with locks.
func rangeSetup(session []byte) []byte {
	b := make([]byte, 24)
	binary.LittleEndian.PutUint64(b[8:], size/sector)
	b[16], b[20] = 1, 1
	return append(b, session...)
}

// An Admin may do that until a user is given the range: the kernel puts the user in the place of the Admins.
func (t *trial) setLock(state uint32, key string) error {
	return t.opal(lockUnlock, lockState(session(admin1, 1, key), state))
}

// lockState is struct opal_lock_unlock.
func lockState(session []byte, state uint32) []byte {
	return append(binary.LittleEndian.AppendUint32(session, state), 0, 0, 0, 0)
}

// shut wants reads and writes of the first sector to be errors, and what is beside the range to be open.
func (t *trial) shut() error {
	b := buffer(sector)
	if _, err := t.disk.ReadAt(b, 0); !denied(err) {
		return fmt.Errorf("reading a locked sector: %v", err)
	}
	if _, err := t.disk.WriteAt(b, 0); !denied(err) {
		return fmt.Errorf("writing a locked sector: %v", err)
	}
	_, err := t.disk.WriteAt(b, size)
	return err
}

// denied says whether an error is what the kernel makes of Access Denied.
func denied(err error) bool { return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENODATA) }

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
	if err := t.wantStatus(flagLocked, flagLocked); err != nil {
		return err
	}
	return t.shut()
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
	if err := t.userLock(readWrite); err != nil {
		return err
	}
	if err := t.put(2); err != nil {
		return err
	}
	if err := t.witness("secure-erase-of-a-range", 7); err != nil {
		return err
	}
	if err := t.opal(secureErase, session(admin1, 1, password)); err != nil {
		return err
	}
	if t.has(2) == nil {
		return errors.New("the data are still there")
	}
	return erased("secure-erase-of-a-range")
}

// gone wants what far wrote to be there no more.
func (t *trial) gone() error {
	b := buffer(size)
	if _, err := t.disk.ReadAt(b, 4*size); err != nil {
		return err
	}
	if string(b) == string(pattern(3)) {
		return errors.New("the data are still there")
	}
	return t.put(4)
}

// far writes outside of every range.
func (t *trial) far() error {
	_, err := t.disk.WriteAt(pattern(3), 4*size)
	return err
}

func (t *trial) revert() error {
	if err := t.far(); err != nil {
		return err
	}
	if err := t.witness("revert", 4*size/sector+1); err != nil {
		return err
	}
	if err := t.opal(revertTPr, opalKey(0, password)); err != nil {
		return err
	}
	if err := erased("revert"); err != nil {
		return err
	}
	return t.gone()
}

// revertByPSID takes a drive that is locked, and whose passwords nobody knows.
func (t *trial) revertByPSID() error {
	psid, err := os.ReadFile(os.Getenv("OPAL2_PSID_FILE"))
	if err != nil {
		return err
	}
	if err := t.own(); err != nil {
		return err
	}
	if err := t.far(); err != nil {
		return err
	}
	if err := t.setLock(locked, password); err != nil {
		return err
	}
	if err := t.opal(psidRevert, opalKey(0, "not the PSID that is on the label")); err == nil {
		return errors.New("a wrong PSID reverts")
	}
	if err := t.witness("revert-by-PSID", 4*size/sector+2); err != nil {
		return err
	}
	if err := t.opal(psidRevert, opalKey(0, string(psid))); err != nil {
		return err
	}
	if err := erased("revert-by-PSID"); err != nil {
		return err
	}
	if err := t.wantStatus(flagLockingEnabled|flagLocked, 0); err != nil {
		return err
	}
	return t.gone()
}
