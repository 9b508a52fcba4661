package transport

import "fmt"

// Transport carries security commands to a device and back. It is what a host needs of a device, and
// all that a device gives: *tcg.TPer is one in process; others reach a device over a socket or
// through a kernel. It may be used by one goroutine at a time.
type Transport interface {
	// Send is IF-SEND: payload goes to a security protocol and a ComID. What the device answers is
	// fetched with Receive. An error is an Error of the device, or one of the way to it.
	Send(protocol uint8, comID uint16, payload []byte) error
	// Receive is IF-RECV: it asks for at most size bytes (the transfer length), and gives what came;
	// what is behind the answer is not filled with zeros.
	Receive(protocol uint8, comID uint16, size int) ([]byte, error)
}

// The security protocols that TCG devices have (SPC-4 6.30, SECURITY PROTOCOL field; SIIS 1.07
// section 3).
const (
	ProtocolInformation uint8 = 0x00 // which protocols there are
	ProtocolTCG         uint8 = 0x01 // discovery, and ComPackets
	ProtocolComID       uint8 = 0x02 // management of ComIDs, and resets
	ProtocolMaker       uint8 = 0xF0 // the first of those that are the maker's: what fdelab's drives tell beyond TCG
)

// Error is how a device refuses a command at its interface. Each interface has a status of its own
// for it (TCG Storage Interface Interactions Specification 1.07, section 3, table of error
// conditions). The comments give those of SCSI (sense key, ASC, ASCQ) and NVMe (SCT, SC), from
// memory.
type Error uint8

// The errors.
const (
	// InvalidProtocol: the device has no such security protocol. SCSI 5/24/00, NVMe 0/02.
	InvalidProtocol Error = iota + 1
	// InvalidTransferLength: an IF-SEND that is longer than the device takes. SCSI 5/24/00, NVMe 0/02.
	InvalidTransferLength
	// InvalidParameter is "Other Invalid Command Parameter". SCSI 5/24/00, NVMe 0/02.
	InvalidParameter
	// SyncViolation: an IF-SEND where the answer of the one before is still there ("Synchronous
	// Protocol Violation"). SCSI 5/2C/00, NVMe 0/0C.
	SyncViolation
	// DataProtection: reading or writing a locked range ("Data Protection Error"). SCSI 7/20/02, NVMe
	// 2/86.
	DataProtection
	// NoPower: the device does not answer, for want of power.
	NoPower
	// Sanitizing: a sanitize operation is under way, or failed and is the last word (NVMe Base 2.1, figure
	// 152: neither Security Send nor Security Receive is allowed). SCSI 2/04/1B, NVMe 0/1D.
	Sanitizing
)

var text = [...]string{
	InvalidProtocol:       "invalid security protocol",
	InvalidTransferLength: "invalid transfer length",
	InvalidParameter:      "other invalid command parameter",
	SyncViolation:         "synchronous protocol violation",
	DataProtection:        "data protection error",
	NoPower:               "no power",
	Sanitizing:            "sanitize in progress",
}

// Error names the condition in lower case.
func (e Error) Error() string {
	if int(e) < len(text) && text[e] != "" {
		return "transport: " + text[e]
	}
	return fmt.Sprintf("transport: error %d", uint8(e))
}
