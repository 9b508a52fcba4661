package nvme

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Options are what a subsystem has beside its drive.
type Options struct {
	// NQN is the name of the subsystem, at most 223 characters; empty is NQN(serial number).
	NQN string
	// Security is the drive's TPer; nil is a drive without security commands. It is used by one command at a
	// time.
	Security transport.Transport
	// Now is the clock of keep-alive time-outs and of hours of power, from any moment on; nil stands still.
	Now func() time.Duration
	// InCapsule is how many bytes of data a command on an I/O queue may carry, a multiple of 16.
	InCapsule int
}

// MaxTransfer is how many bytes one command moves at most (field MDTS: 2^8 pages of 4 KiB).
const MaxTransfer = 1 << mdts * 4096

const (
	mdts       = 8
	defaultICD = 16 << 10
	// AdminInCapsule is how many bytes a command on the admin queue carries at most, whatever the
	// subsystem says of I/O queues.
	AdminInCapsule = 8192
)

// NQN is the name of the subsystem of a drive that is given no other.
func NQN(serial string) string { return "nqn.2026-01.fdelab:" + serial }

// Subsystem is an NVM subsystem of one drive: one namespace with all its sectors, and a controller for each
// host that asks for one. It may be used by several goroutines.
type Subsystem struct {
	d    *drive.Drive
	cfg  drive.Config
	o    Options
	born drive.Resets

	mu          sync.Mutex
	controllers []*Controller
	nextID      uint16
	sanitizer   *Controller // that began the last sanitize operation
	reported    drive.SanitizeState

	securityMu sync.Mutex
	count      counters
	history    history
}

// counters are of the SMART log. They begin at 0 when the subsystem is made.
type counters struct {
	sectorsRead, sectorsWritten, reads, writes, mediaErrors atomic.Uint64
}

// NewSubsystem makes the subsystem of a drive.
func NewSubsystem(d *drive.Drive, o Options) (*Subsystem, error) {
	if d == nil {
		return nil, errors.New("nvme: a subsystem needs a drive")
	}
	cfg := d.Config()
	if o.NQN == "" {
		o.NQN = NQN(cfg.Serial)
	}
	if len(o.NQN) > 223 {
		return nil, fmt.Errorf("nvme: a subsystem name of %d characters, need at most 223", len(o.NQN))
	}
	if o.InCapsule == 0 {
		o.InCapsule = defaultICD
	}
	if o.InCapsule < 0 || o.InCapsule%16 != 0 || o.InCapsule > MaxTransfer {
		return nil, fmt.Errorf("nvme: %d bytes in a capsule, need a multiple of 16 up to %d", o.InCapsule, MaxTransfer)
	}
	if o.Now == nil {
		o.Now = func() time.Duration { return 0 }
	}
	return &Subsystem{d: d, cfg: cfg, o: o, nextID: 1, born: d.Resets()}, nil
}

// Format prints whose subsystem it is: the fmt package would look into unexported fields.
func (s *Subsystem) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "subsystem of %v", s.d) }

// NQN is the name of the subsystem.
func (s *Subsystem) NQN() string { return s.o.NQN }

// InCapsule is how many bytes of data a command on an I/O queue may carry.
func (s *Subsystem) InCapsule() int { return s.o.InCapsule }

// Powered says whether the drive has power.
func (s *Subsystem) Powered() bool { return s.d.Status().Powered }

// identifier derives n bytes from the serial number, so that a drive has the same ones for ever.
func (s *Subsystem) identifier(kind string, n int) []byte {
	sum := sha256.Sum256([]byte("fdelab/nvme/" + kind + "/" + s.cfg.Serial))
	return sum[:n]
}

// nguid is an IEEE-extended identifier with the local bit, and uuid is of version 8 (RFC 9562 5.8).
func (s *Subsystem) nguid() []byte {
	b := s.identifier("nguid", 16)
	b[8] = b[8]&^1 | 2
	return b
}

func (s *Subsystem) uuid() []byte {
	b := s.identifier("uuid", 16)
	b[6], b[8] = b[6]&0x0F|0x80, b[8]&0x3F|0x80
	return b
}

// Host is who asks for a controller.
type Host struct {
	ID  [16]byte
	NQN string
	// KeepAlive is the time-out that the host asks for; 0 is none.
	KeepAlive time.Duration
}

// maxControllers is how many hosts a subsystem has at a time.
const maxControllers = 1024

// NewController makes a controller for a host. ok is false where there are too many, or the drive has no
// power.
func (s *Subsystem) NewController(h Host) (*Controller, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.controllers) >= maxControllers || !s.d.Status().Powered {
		return nil, false
	}
	c := &Controller{s: s, host: h, id: s.nextID, lived: s.d.Resets(), heard: s.o.Now()}
	c.features.init(h.KeepAlive, s.o.Now())
	s.history.connected(c, s.o.Now())
	// A number is not used again soon: a host that is slow to notice its end would meet another's.
	for s.nextID++; ; s.nextID++ {
		if s.nextID > 0xFFEF {
			s.nextID = 1
		}
		if s.controller(s.nextID) == nil {
			break
		}
	}
	s.controllers = append(s.controllers, c)
	return c, true
}

// Controller finds a controller by its number; nil if there is none.
func (s *Subsystem) Controller(id uint16) *Controller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.controller(id)
}

func (s *Subsystem) controller(id uint16) *Controller {
	for _, c := range s.controllers {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (s *Subsystem) remove(c *Controller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sanitizer == c {
		s.sanitizer = nil
	}
	for i, o := range s.controllers {
		if o == c {
			s.controllers = append(s.controllers[:i:i], s.controllers[i+1:]...)
			return
		}
	}
}
