package erase

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Target is a drive as the engine reaches it. *drive.Drive is one; a facility
// gives its port, which may be dead. Dump and Fuses are for the search only and
// need no power.
type Target interface {
	Serial() string
	Config() drive.Config
	Status() drive.Status
	MSID() (drive.PIN, error)
	Range(n int) (drive.RangeInfo, error)
	Tries(a drive.Authority) (used, limit uint16, err error)
	Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error)
	RevertPSID(psid drive.PIN) error
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	Dump() drive.Dump
	Fuses() *drive.Fuses
}

var _ Target = (*drive.Drive)(nil)

// Method is a way to erase.
type Method string

// The methods.
const (
	RangeErase Method = "range erase" // one range, by the EraseMaster
	DriveErase Method = "drive erase" // every range, by the EraseMaster
	PSIDRevert Method = "PSID revert" // every range and every authority, by the PIN on the label
)

// Credential is the PIN of the BandMaster of a range.
type Credential struct {
	Range int
	Name  string // in findings: "BandMaster0 credential generation 3"; empty is "BandMasterN credential"
	PIN   drive.PIN
}

func (c *Credential) name() string {
	if c.Name == "" {
		return fmt.Sprintf("BandMaster%d credential", c.Range)
	}
	return c.Name
}

// Job is one drive to erase.
type Job struct {
	Target Target
	Method Method
	Range  int // RangeErase only

	// EraseMaster is the PIN of the EraseMaster; the zero PIN stands for the
	// drive's MSID. Not for PSIDRevert.
	EraseMaster drive.PIN
	// Owner holds the credentials of the ranges that would be erased and that
	// have left MSID: they prove that the caller may destroy the data.
	Owner []Credential
	// PSID is for PSIDRevert.
	PSID drive.PIN
	// Destroy acknowledges that a PSIDRevert destroys data of an owner who is
	// not here to prove it: the serial number of this drive.
	Destroy string
	// Secrets is every other secret that ever was: former credentials, group
	// keys, data keys. The engine adds the MSID, the root key and the PINs
	// above.
	Secrets []forensic.Secret
	// Outside is who keeps such secrets outside the drive. The erase is accepted
	// only where what they keep opens nothing.
	Outside []Outside
	// History is what the caller knows of the drive's life, for the timeline of its
	// certificate. No secret may be in it.
	History []History
}

// History is one fact of a drive's life.
type History struct {
	Time time.Time
	What string // one clause
}

// Outcome is how a job ended.
type Outcome string

// The outcomes.
const (
	Passed        Outcome = "passed"         // verified, and accepted
	NotAccepted   Outcome = "not accepted"   // verified, but the validation did not accept it: sanitize in another way, or destroy
	Failed        Outcome = "failed"         // security degraded: treat its data as exposed
	Refused       Outcome = "refused"        // no key and nothing of the customer's was changed; Why names whatever else was
	AlreadyErased Outcome = "already erased" // passed in an earlier run of this journal, unchanged since
	NotStarted    Outcome = "not started"    // the run ended before this drive's turn
)

// Verdict is how a check ended.
type Verdict string

// The verdicts.
const (
	Pass        Verdict = "pass"
	Fail        Verdict = "fail"
	NotPossible Verdict = "not possible"
)

// The names of the checks, in the order in which they are made.
const (
	CheckCommand    = "command"    // the drive accepted the erase command
	CheckControl    = "control"    // the search finds the way while it is still there
	CheckState      = "state"      // what the drive says of itself agrees
	CheckCredential = "credential" // the old credentials are refused
	CheckMSID       = "msid"       // the MSID opens each erased range
	CheckPlaintext  = "plaintext"  // the known plaintext does not come back, where it can be read
	CheckSearch     = "search"     // no key in the dump opens the old ciphertext
	CheckWeak       = "weak wraps" // no wrap opens without a secret
	CheckRemains    = "remains"    // no piece of an old wrap is left in the flash
)

// Check is one check of a verification.
type Check struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why"`
}
