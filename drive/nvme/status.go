package nvme

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Status is the status of a command as Linux prints it (NVMe Base 2.1, 4.2.3): bits 7:0 are the status code,
// 10:8 the status code type, 14 says "do not retry".
type Status uint16

// DNR is "do not retry": the same command cannot succeed later.
const DNR Status = 0x4000

// The statuses, without DNR (NVMe Base 2.1, figures 102 to 106; NVM Command Set 1.1, 3.2).
const (
	Success          Status = 0x000
	InvalidOpcode    Status = 0x001
	InvalidField     Status = 0x002
	TransferError    Status = 0x004
	InternalError    Status = 0x006
	AbortRequested   Status = 0x007
	InvalidNamespace Status = 0x00B
	SequenceError    Status = 0x00C
	SGLLength        Status = 0x00F
	SGLType          Status = 0x011
	OperationDenied  Status = 0x015
	SGLOffset        Status = 0x016
	KeepAliveInvalid Status = 0x01A
	SanitizeFailed   Status = 0x01C
	SanitizeRuns     Status = 0x01D
	TransportError   Status = 0x022
	LBAOutOfRange    Status = 0x080
	TooManyEvents    Status = 0x105
	InvalidLog       Status = 0x109
	InvalidFormat    Status = 0x10A
	NotSaveable      Status = 0x10D
	NotChangeable    Status = 0x10E
	CommandSize      Status = 0x183 // Copy: more ranges or blocks than there may be
	VerificationRead Status = 0x19C // Media Verification: the data are there
	WriteFault       Status = 0x280
	UnrecoveredRead  Status = 0x281
	CompareFailure   Status = 0x285
	AccessDenied     Status = 0x286

	statusMask Status = 0x7FF
)

// The statuses of command Connect (NVMe Base 2.1, 6.3).
const (
	ConnectIncompatible Status = 0x180
	ConnectBusy         Status = 0x181
	ConnectInvalid      Status = 0x182
)

var statusText = map[Status]string{
	Success: "success", InvalidOpcode: "invalid opcode", InvalidField: "invalid field in command",
	TransferError: "data transfer error", InternalError: "internal error", AbortRequested: "command abort requested",
	InvalidNamespace: "invalid namespace or format", SequenceError: "command sequence error",
	SGLLength: "data SGL length invalid", SGLType: "SGL descriptor type invalid", OperationDenied: "operation denied",
	SGLOffset: "SGL offset invalid", KeepAliveInvalid: "keep alive timeout invalid", SanitizeFailed: "sanitize failed",
	SanitizeRuns: "sanitize in progress", TransportError: "transient transport error",
	LBAOutOfRange: "LBA out of range", TooManyEvents: "asynchronous event request limit exceeded",
	InvalidLog: "invalid log page", InvalidFormat: "invalid format", NotSaveable: "feature not saveable",
	NotChangeable: "feature not changeable", CommandSize: "command size limit exceeded",
	VerificationRead: "successful media verification read", WriteFault: "write fault", UnrecoveredRead: "unrecovered read error",
	CompareFailure: "compare failure", AccessDenied: "access denied",
	ConnectIncompatible: "connect: incompatible format", ConnectBusy: "connect: controller busy", ConnectInvalid: "connect: invalid parameters",
}

// Error names the status in lower case, with its numbers.
func (s Status) Error() string {
	t := statusText[s&statusMask]
	if t == "" {
		t = "status"
	}
	return fmt.Sprintf("nvme: %s (%d/%02Xh)", t, s>>8&7, uint8(s))
}

// Is matches the status whatever its DNR.
func (s Status) Is(target error) bool {
	t, ok := target.(Status)
	return ok && t&statusMask == s&statusMask
}

// Result is how a command ended: what stands in its completion queue entry.
type Result struct {
	DW0, DW1 uint32
	Status   Status
	// Pending: there is no completion yet. It comes with Controller.Events.
	Pending bool
	// Gone: the drive has no power, or lost it in the middle of the command. There is no completion, and the
	// controller is no more.
	Gone bool
}

// done and failed are results of most commands.
var done = Result{}

func failed(s Status) Result { return Result{Status: s} }

// refused is a field that cannot be right later either.
func refused(s Status) Result { return Result{Status: s | DNR} }

// media gives the result of a command that moves data. fault is what a failed medium is.
func media(err error, fault Status) Result {
	switch {
	case err == nil:
		return done
	case errors.Is(err, drive.NoPower), errors.Is(err, drive.PowerLost):
		return Result{Gone: true}
	case errors.Is(err, drive.Locked):
		return refused(AccessDenied)
	case errors.Is(err, drive.OutOfRange):
		return refused(LBAOutOfRange)
	case errors.Is(err, drive.MediaFailure):
		return refused(fault)
	case errors.Is(err, drive.SanitizeInProgress):
		return refused(SanitizeRuns)
	case errors.Is(err, drive.SanitizeFailed):
		return refused(SanitizeFailed)
	case errors.Is(err, drive.InvalidParameter):
		return refused(InvalidField)
	}
	return refused(InternalError)
}

// security gives the result of IF-SEND and IF-RECV (SIIS 1.07, section 3, table of error conditions).
func security(err error) Result {
	switch {
	case err == nil:
		return done
	case errors.Is(err, transport.NoPower):
		return Result{Gone: true}
	case errors.Is(err, transport.SyncViolation):
		return refused(SequenceError)
	case errors.Is(err, transport.Sanitizing):
		return refused(SanitizeRuns)
	}
	return refused(InvalidField)
}
