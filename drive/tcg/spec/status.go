package spec

import "fmt"

// Status is how a method ends (Core 5.1.5, method status codes). It is an error where it is not
// Success.
type Status uint8

// The statuses.
const (
	Success             Status = 0x00
	NotAuthorized       Status = 0x01
	SPBusy              Status = 0x03
	SPFailed            Status = 0x04
	SPDisabled          Status = 0x05
	SPFrozen            Status = 0x06
	NoSessionsAvailable Status = 0x07
	UniquenessConflict  Status = 0x08
	InsufficientSpace   Status = 0x09
	InsufficientRows    Status = 0x0A
	InvalidParameter    Status = 0x0C
	TPerMalfunction     Status = 0x0F
	TransactionFailure  Status = 0x10
	ResponseOverflow    Status = 0x11
	AuthorityLockedOut  Status = 0x12
	Fail                Status = 0x3F
	AbortedByHost       Status = 0x01 // in the status list of a call: the host takes it back
)

var statusNames = map[Status]string{
	Success: "SUCCESS", NotAuthorized: "NOT_AUTHORIZED", SPBusy: "SP_BUSY", SPFailed: "SP_FAILED",
	SPDisabled: "SP_DISABLED", SPFrozen: "SP_FROZEN", NoSessionsAvailable: "NO_SESSIONS_AVAILABLE",
	UniquenessConflict: "UNIQUENESS_CONFLICT", InsufficientSpace: "INSUFFICIENT_SPACE",
	InsufficientRows: "INSUFFICIENT_ROWS", InvalidParameter: "INVALID_PARAMETER", TPerMalfunction: "TPER_MALFUNCTION",
	TransactionFailure: "TRANSACTION_FAILURE", ResponseOverflow: "RESPONSE_OVERFLOW",
	AuthorityLockedOut: "AUTHORITY_LOCKED_OUT", Fail: "FAIL",
}

// String is the name of the specification.
func (s Status) String() string {
	if n, ok := statusNames[s]; ok {
		return n
	}
	return fmt.Sprintf("status %02X", uint8(s))
}

// Error is "tcg: NAME".
func (s Status) Error() string { return "tcg: " + s.String() }

// The ComIDs that are none of a session (Core 3.3.2.1; SIIS 1.07; Block SID Authentication 1.01).
const (
	GetComID       uint16 = 0x0000 // IF-RECV, protocol 2
	DiscoveryComID uint16 = 0x0001 // IF-RECV, protocol 1
	TPerReset      uint16 = 0x0004 // IF-SEND, protocol 2
	BlockSIDComID  uint16 = 0x0005 // IF-SEND, protocol 2
	FirstDynamic   uint16 = 0x1000
)

// The requests about a ComID, on the ComID itself, protocol 2 (Core 3.3.4.3).
const (
	VerifyComIDValid uint32 = 1
	StackReset       uint32 = 2
)

// The states of a ComID (Core 3.3.4.3.1).
const (
	ComIDInvalid    uint32 = 0
	ComIDInactive   uint32 = 1
	ComIDIssued     uint32 = 2
	ComIDAssociated uint32 = 3
)
