package nbd

// Numbers of the protocol (doc/proto.md, "Values").
const (
	magicNBD        = 0x4e42444d41474943 // "NBDMAGIC"
	magicOption     = 0x49484156454F5054 // "IHAVEOPT"
	magicReply      = 0x0003e889045565a9
	magicRequest    = 0x25609513
	magicSimple     = 0x67446698
	magicStructured = 0x668e33ef

	fixedNewstyle = 1 // handshake flags, of both sides
	noZeroes      = 2

	optExportName  = 1
	optAbort       = 2
	optList        = 3
	optInfo        = 6
	optGo          = 7
	optStructured  = 8
	optListContext = 9
	optSetContext  = 10

	repAck     = 1
	repServer  = 2
	repInfo    = 3
	repContext = 4

	repError   = 1 << 31
	errUnsup   = repError + 1
	errInvalid = repError + 3
	errUnknown = repError + 6
	errTooBig  = repError + 9

	infoExport      = 0
	infoName        = 1
	infoDescription = 2
	infoBlockSize   = 3

	// Transmission flags: there are flags, flush, FUA, trim, write zeroes, "do not fragment", and several
	// connections see one another's writes.
	exportFlags = 1 | 1<<2 | 1<<3 | 1<<5 | 1<<6 | 1<<7 | 1<<8

	cmdRead        = 0
	cmdWrite       = 1
	cmdDisconnect  = 2
	cmdFlush       = 3
	cmdTrim        = 4
	cmdWriteZeroes = 6
	cmdBlockStatus = 7

	flagFUA        = 1
	flagNoHole     = 1 << 1
	flagDontFragm  = 1 << 2
	flagOneExtent  = 1 << 3
	replyDone      = 1
	chunkNone      = 0
	chunkData      = 1
	chunkHole      = 2
	chunkStatus    = 5
	chunkError     = 1<<15 + 1
	contextName    = "base:allocation"
	contextID      = 1
	requestSize    = 28
	simpleSize     = 16
	structuredSize = 20
)

// The states of base:allocation.
const (
	stateHole = 1
	stateZero = 2
)

// Errno is an error of a command, by the numbers of the protocol.
type Errno uint32

// The errors.
const (
	EPERM     Errno = 1
	EIO       Errno = 5
	EINVAL    Errno = 22
	ENOSPC    Errno = 28
	EOVERFLOW Errno = 75
)

func (e Errno) Error() string {
	switch e {
	case EPERM:
		return "nbd: operation not permitted"
	case EIO:
		return "nbd: input/output error"
	case EINVAL:
		return "nbd: invalid argument"
	case ENOSPC:
		return "nbd: no space left"
	case EOVERFLOW:
		return "nbd: too much at once"
	}
	return "nbd: error"
}

// The limits.
const (
	pieceSize     = 256 << 10 // bytes of data that a connection keeps
	maxTransfer   = 32 << 20  // bytes of READ and WRITE
	preferredSize = 4096
	maxOption     = 64 << 10 // bytes of data of an option
	maxName       = 4096
	maxExtents    = 4096 // of one answer to BLOCK_STATUS
)
