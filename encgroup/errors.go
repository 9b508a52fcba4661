package encgroup

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// What the group itself refuses. Nothing was changed when one of these is returned.
var (
	ErrNoServer     = errors.New("no active key server is configured")
	ErrFewServers   = errors.New("fewer than two key servers are configured")
	ErrForeign      = errors.New("somebody else's PIN is in the way")
	ErrConfigured   = errors.New("already configured: it may hold customer data and must not be erased")
	ErrGroupExists  = errors.New("the encryption group is configured already")
	ErrUnconfigured = errors.New("the encryption group is not configured")
	ErrInaccessible = errors.New("the encryption group is inaccessible: it has no group key")
	ErrMember       = errors.New("the drive is a member already")
	ErrNotMember    = errors.New("the drive is not a member of the encryption group")
	ErrErased       = errors.New("the member is erased: it has to be readmitted or forgotten")
	ErrUnfinished   = errors.New("the admission of the drive was never finished: it has to be readmitted")
	ErrNotErased    = errors.New("the drive is not in its erased state after the erase")
	ErrUnverified   = errors.New("the drive does not show what was set on it")
	ErrStore        = errors.New("the group's record could not be kept")
	ErrRecord       = errors.New("the group's record is damaged")
	ErrImpossible   = errors.New("the group's record contradicts itself") // with a good check sum: a software error
	ErrMixed        = errors.New("its entries were not saved together")   // of other times, or of other groups; it comes with ErrImpossible
	ErrKind         = errors.New("a group of this kind does not do this")
	ErrNoRekey      = errors.New("no new group key is under way")
	ErrMembersLeft  = errors.New("members still need the present group key")
	ErrNoDataKey    = errors.New("the group was recovered and has no data key: retrieve it, or rekey the data key")
	ErrNotNew       = errors.New("the new data key is the present one")
	ErrNoEscrow     = errors.New("the group key is not held for this recovery key")
)

// Step names where an operation on a drive ended.
type Step string

// The steps, in the order in which an admission takes them.
const (
	StepGroup        Step = "group key"    // the group has no key, or knows nothing of the drive
	StepState        Step = "drive state"  // the lifecycle state of the drive forbids it
	StepInspect      Step = "inspect"      // the drive is not in its factory state, or does not answer
	StepMSID         Step = "read MSID"    // the drive does not tell its MSID
	StepRecord       Step = "record"       // the facility's own record could not be written
	StepAuthenticate Step = "authenticate" // the drive takes none of the credentials (or not the MSID)
	StepNewKey       Step = "new key"      // the drive did not replace its media key
	StepMigrate      Step = "migrate"      // the drive did not take the credential
	StepBands        Step = "bands"        // a band beside the data range is not the group's
	StepRestore      Step = "restore"      // the drive stays security degraded
	StepUnlock       Step = "unlock"       // the drive does not unlock its range
	StepErase        Step = "erase"        // the drive did not erase
	StepVerify       Step = "verify"       // the drive reported success, and does not show it
)

// AdmitError says where an admission or readmission ended. errors.Is matches the group's own
// refusals and the codes of the drive.
type AdmitError struct {
	Serial string
	Step   Step
	Status drive.Status // what the drive said of itself afterwards
	Err    error
}

func (e *AdmitError) Error() string {
	return fmt.Sprintf("encgroup: admission of %s: %s: %v", e.Serial, e.Step, e.Err)
}

// Unwrap gives the cause.
func (e *AdmitError) Unwrap() error { return e.Err }

// MemberError says where an operation on a member ended. errors.Is matches as for AdmitError.
type MemberError struct {
	Op     string // "unlock", "rekey", "release"
	Serial string
	Step   Step
	Status drive.Status
	Err    error
}

func (e *MemberError) Error() string {
	return fmt.Sprintf("encgroup: %s of %s: %s: %v", e.Op, e.Serial, e.Step, e.Err)
}

// Unwrap gives the cause.
func (e *MemberError) Unwrap() error { return e.Err }

func memberError(op string, d Drive, step Step, err error) error {
	return &MemberError{Op: op, Serial: d.Serial(), Step: step, Status: d.Status(), Err: err}
}

func admitError(d Drive, step Step, err error) error {
	return &AdmitError{Serial: d.Serial(), Step: step, Status: d.Status(), Err: err}
}
