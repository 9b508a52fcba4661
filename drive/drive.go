package drive

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Config is what the factory decides once for a drive.
type Config struct {
	Serial     string // 1 to 20 printable ASCII characters, unique
	Model      string // 0 to 40 printable ASCII characters
	SectorSize int    // bytes, 512 or 4096
	Sectors    uint64 // capacity in sectors, at least 1
	Ranges     int    // ranges beside the global one, 0 to MaxRanges
	TryLimit   uint16 // failed authentications until lock-out; 0 is no limit
	// Persistent keeps the counts of failed authentications over a power cycle
	// (TCG C_PIN column Persistence); else a power cycle sets them to 0.
	Persistent bool
	// PBKDF2Iterations stretches PINs shorter than 32 bytes; at least 1.
	PBKDF2Iterations int
	// AlignmentGranularity is the grid, in sectors, on which ranges begin and end
	// (TCG LockingInfo column of that name), 1 to 2^32; 0 and 1: no alignment is
	// required. LowestAlignedLBA is the first sector on the grid, below the
	// granularity.
	AlignmentGranularity, LowestAlignedLBA uint64
	// Personality is the Security Subsystem Class that the drive follows.
	// MBRSize and DataStoreSize are of an Opal drive: bytes of its MBR shadow, and of all its
	// DataStore tables together. Both are multiples of SectorSize; the Opal SSC asks for 128 MiB
	// and 10 MiB at least, what was never written takes no room.
	Personality            Personality
	MBRSize, DataStoreSize uint64
}

// AlignmentRequired says whether ranges begin and end on a grid only.
func (c *Config) AlignmentRequired() bool { return c.AlignmentGranularity > 1 }

// Parts are the pieces a drive is built from.
type Parts struct {
	Flash   flash.Device
	Media   Media
	Entropy io.Reader // source of every key and salt; never nil
	// Trace, if not nil, is called for every lifecycle attempt, in order.
	Trace func(TransitionTrace)
}

// TransitionTrace is one attempt to fire a lifecycle event.
type TransitionTrace struct {
	Serial  string
	Event   Event
	From    State
	To      State // From when refused
	Refused bool
}

// Label is what the factory prints on the drive.
type Label struct {
	Serial string
	MSID   PIN // 32 bytes; also readable from the drive by anyone
	PSID   PIN // 32 bytes; on the label only
}

// Drive is one self-encrypting drive. It is safe for concurrent use: its lock
// is the one owner of the state machine.
type Drive struct {
	mu    sync.Mutex
	cfg   Config
	fuses *Fuses
	parts Parts
	// entropy is parts.Entropy behind a check that it does not repeat.
	entropy io.Reader
	status  atomic.Uint64 // packed Status, so that a health check takes no lock
	resets  Resets
	public  Identity // of the factory identity; zero until it was needed
	core
}

// Format prints the serial number: the fmt package would look into unexported
// fields without asking the keys in them.
func (d *Drive) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "drive %s", d.cfg.Serial) }
