package drive

import (
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// State is a lifecycle state. It is what the record in flash says.
type State uint8

// The lifecycle states.
const (
	Erased State = iota + 1
	Configured
	SecurityDegraded
)

func (s State) String() string { panic("stub") }

// Event is a lifecycle event.
type Event string

// The lifecycle events (one typed table in lifecycle.go is their only source).
const (
	EventMigrate   Event = "migrate"
	EventRekey     Event = "rekey"
	EventErase     Event = "erase"
	EventEraseBand Event = "erase-band"
	EventDegrade   Event = "degrade"
	EventRestore   Event = "restore"
)

// Fuses is what the factory burns into the chip, outside the flash. It can
// not change afterwards. Whoever holds it has decapped the chip.
type Fuses struct {
	Config   Config
	Root     secret.Key32
	MSID     PIN
	PSIDSlot Slot // the PSID's verifier
}

// Slot is one authority's key slot: AES-KW(KEK(PIN, Salt), AK).
type Slot struct {
	Salt [16]byte
	Wrap [40]byte
}

// ResetKind is a reset other than a power cycle.
type ResetKind uint8

// The reset kinds, by their TCG names.
const (
	HardwareReset ResetKind = iota + 1 // "warm reset": LockOnReset value 1
	HotPlugReset                       // "hot reset": LockOnReset value 2
)

// ResetSet is the LockOnReset column: which resets lock a lock-enabled range.
type ResetSet uint8

// The members of a ResetSet.
const (
	OnPowerCycle ResetSet = 1 << iota
	OnHardware
	OnHotPlug
)

// RangeConfig is what a BandMaster sets on a range.
type RangeConfig struct {
	Start, Length    uint64 // sectors; both 0 for the global range; Length 0 is an inactive range
	ReadLockEnabled  bool
	WriteLockEnabled bool
	LockOnReset      ResetSet
}

// RangeInfo is a range as a host may read it.
type RangeInfo struct {
	RangeConfig
	ReadLocked, WriteLocked bool
	AtMSID                  bool // its BandMaster still has the factory PIN
}

// Session is an authenticated session; a drive has one at most.
type Session struct{ d *Drive }

// Dump is everything physical outside the fuses.
type Dump struct {
	Geometry flash.Geometry
	Flash    []flash.Page // every page with a programmed bit
	// Sector is the ciphertext of one sector, false if it was never written.
	Sector  func(lba uint64) ([]byte, bool)
	Written []uint64 // LBAs ever written, ascending
}

// KeyMap says what is wrapped by what, without a secret: for pictures.
type KeyMap struct {
	Generation uint32
	Slots      []KeyMapSlot
	Ranges     []KeyMapRange
}

// KeyMapSlot is one authority.
type KeyMapSlot struct {
	Authority Authority
	AtMSID    bool
	Tries     uint16
}

// KeyMapRange is one range and who may unlock it.
type KeyMapRange struct {
	Range    int
	WrapsBy  []Authority // authorities whose AK wraps the MEK
	RootWrap bool        // the MEK is wrapped by the KEK of the root key
	InRAM    bool        // the MEK is in RAM: the range is usable now
}

type core struct{}

// Manufacture makes a drive: fuses, label, and a security area in the state
// Erased with every PIN at MSID. It returns the drive powered on. If power is
// lost meanwhile, it returns the drive (its fuses are burnt, it is off) and the
// error; PowerOn and then RevertPSID finish the job.
func Manufacture(cfg Config, parts Parts) (*Drive, Label, error) { panic("stub") }

// Open attaches a drive to a flash that lived on. The drive is off.
func Open(f Fuses, parts Parts) (*Drive, error) { panic("stub") }

// Serial is the serial number.
func (d *Drive) Serial() string { panic("stub") }

// Config is what the factory decided.
func (d *Drive) Config() Config { panic("stub") }

// Fuses is what an attacker gets who decaps the chip. No host command reads it.
func (d *Drive) Fuses() Fuses { panic("stub") }

// PowerOn boots: finds the record, finishes destruction, rebuilds the machine.
func (d *Drive) PowerOn() error { panic("stub") }

// PowerOff removes power, orderly or not: keys leave RAM.
func (d *Drive) PowerOff() { panic("stub") }

// Reset is a reset without loss of power.
func (d *Drive) Reset(k ResetKind) error { panic("stub") }

// Status is readable at any time, without a lock.
func (d *Drive) Status() Status { panic("stub") }

// MSID is the factory PIN, readable by anyone while the drive has power.
func (d *Drive) MSID() (PIN, error) { panic("stub") }

// Range describes a range.
func (d *Drive) Range(n int) (RangeInfo, error) { panic("stub") }

// Tries is the count of failed authentications.
func (d *Drive) Tries(a Authority) (used, limit uint16, err error) { panic("stub") }

// KeyMap is for pictures.
func (d *Drive) KeyMap() (KeyMap, error) { panic("stub") }

// SelfTest reads the active record back from flash, rewrites it if it rotted.
func (d *Drive) SelfTest() error { panic("stub") }

// Dump needs no power and no cooperation of the firmware.
func (d *Drive) Dump() Dump { panic("stub") }

// Read reads whole sectors.
func (d *Drive) Read(lba uint64, dst []byte) error { panic("stub") }

// Write writes whole sectors.
func (d *Drive) Write(lba uint64, src []byte) error { panic("stub") }

// Authenticate opens a session.
func (d *Drive) Authenticate(a Authority, pin PIN) (*Session, error) { panic("stub") }

// RevertPSID needs no session: everything erased, factory defaults.
func (d *Drive) RevertPSID(psid PIN) error { panic("stub") }

// Close ends the session.
func (s *Session) Close() { panic("stub") }

// Authority is who authenticated.
func (s *Session) Authority() Authority { panic("stub") }

// SetPIN changes the session authority's own PIN. A BandMaster leaving MSID is
// the lifecycle event migrate, between two own PINs rekey. A BandMaster never
// goes back to MSID this way.
func (s *Session) SetPIN(pin PIN) error { panic("stub") }

// Migrate is access credential migration of a BandMaster's own range in one key
// record: new PIN, both locks enabled with LockOnReset power cycle, MEK wrapped by the AK
// only. The range stays unlocked until power goes.
func (s *Session) Migrate(credential PIN) error { panic("stub") }

// GenKey replaces the MEK of the session BandMaster's range.
func (s *Session) GenKey() error { panic("stub") }

// SetRange sets geometry and lock settings of the session BandMaster's range.
func (s *Session) SetRange(c RangeConfig) error { panic("stub") }

// SetLocks sets ReadLocked and WriteLocked of the session BandMaster's range.
func (s *Session) SetLocks(read, write bool) error { panic("stub") }

// Unlock is SetLocks(false, false).
func (s *Session) Unlock() error { panic("stub") }

// Erase is the EraseMaster's cryptographic erase of one range.
func (s *Session) Erase(n int) error { panic("stub") }

// EraseAll is the EraseMaster's cryptographic erase of every range in one key step.
func (s *Session) EraseAll() error { panic("stub") }

// Restore leads a BandMaster's security degraded drive back to Configured, when every old wrap is gone.
func (s *Session) Restore() error { panic("stub") }
