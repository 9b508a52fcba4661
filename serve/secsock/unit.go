package secsock

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// Unit is a drive that several hosts share.
type Unit struct {
	mu   sync.Mutex
	d    *drive.Drive
	tper *tcg.TPer
}

// NewUnit makes the unit of a drive, which belongs to the unit from then on: whoever wants something of
// it goes through Do. Errors are those of tcg.New.
func NewUnit(d *drive.Drive, o tcg.Options) (*Unit, error) {
	tper, err := tcg.New(d, o)
	if err != nil {
		return nil, err
	}
	return &Unit{d: d, tper: tper}, nil
}

// Do runs f while no command is under way.
func (u *Unit) Do(f func(*drive.Drive) error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f(u.d)
}

// The sizes of the data structures, in bytes.
const (
	identifySize = 4096 // NVMe Base 2.1, figure 312
	inquirySize  = 96   // SPC-4 6.6.2
)

// NVMe Identify, values of CNS (NVMe Base 2.1, figure 311).
const (
	cnsNamespace  = 0
	cnsController = 1
	cnsNamespaces = 2
)

const (
	defaultModel = "fdelab drive"
	vendor       = "FDELAB" // 8 characters of a T10 vendor identification, padded
	revision     = "1"
)

// text puts text at an offset, padded with spaces to n bytes.
func text(b []byte, at, n int, s string) {
	for i := range n {
		b[at+i] = ' '
		if i < len(s) {
			b[at+i] = s[i]
		}
	}
}

func model(c *drive.Config) string {
	if c.Model == "" {
		return defaultModel
	}
	return c.Model
}

// Identify is the data structure of NVMe command Identify for a CNS, 4096 bytes: the controller (1), its
// one namespace (0), the list of namespaces (2). ok is false for any other CNS. (NVMe Base 2.1, 5.1.13;
// NVM Command Set 1.1, 4.1.5.1.)
func Identify(c *drive.Config, cns uint16) (b []byte, ok bool) {
	b = make([]byte, identifySize)
	switch cns {
	case cnsController:
		text(b, 4, 20, c.Serial)
		text(b, 24, 40, model(c))
		text(b, 64, 8, revision)
		binary.LittleEndian.PutUint32(b[80:], 0x20100) // version 2.1
		binary.LittleEndian.PutUint16(b[256:], 1)      // OACS: security send and receive
		b[512], b[513] = 0x66, 0x44                    // entries of the queues: 64 and 16 bytes
		binary.LittleEndian.PutUint32(b[516:], 1)      // namespaces
		copy(b[768:], "nqn.2026-01.fdelab:"+c.Serial)  // SUBNQN
	case cnsNamespace:
		for _, at := range []int{0, 8, 16} { // size, capacity, use
			binary.LittleEndian.PutUint64(b[at:], c.Sectors)
		}
		b[128+2] = byte(bits.TrailingZeros(uint(c.SectorSize))) // LBA format 0
	case cnsNamespaces:
		binary.LittleEndian.PutUint32(b, 1)
	default:
		return nil, false
	}
	return b, true
}

// Inquiry is the data of SCSI command INQUIRY: 0 asks for the standard data, 100h and a page code for a
// page of vital product data, of which there are 00h and 80h (SPC-4 6.6.2, 7.8). ok is false for others.
func Inquiry(c *drive.Config, page uint16) (b []byte, ok bool) {
	switch page {
	case 0:
		b = make([]byte, inquirySize)
		b[2], b[3], b[4] = 6, 2, inquirySize-5 // SPC-4, format 2
		b[7] = 2                               // CMDQUE
		text(b, 8, 8, vendor)
		text(b, 16, 16, model(c))
		text(b, 32, 4, revision)
		text(b, 36, 20, c.Serial)
		return b, true
	case 0x100:
		return []byte{0, 0, 0, 2, 0x00, 0x80}, true
	case 0x180:
		return append([]byte{0, 0x80, 0, byte(len(c.Serial))}, c.Serial...), true
	}
	return nil, false
}

// The commands of a request.
const (
	opSend     = 1
	opReceive  = 2
	opIdentify = 3
	opInquiry  = 4
)

// The statuses of an answer beside those of transport.Error.
const (
	statusDone      = 0
	statusNoDrive   = 0xF0
	statusNoCommand = 0xF1
)

// request is one command.
type request struct {
	op       uint8
	unit     int
	protocol uint8
	comID    uint16
	size     uint32
	payload  []byte
}

// run does a command, under the lock of the unit.
func (u *Unit) run(r *request) (data []byte, status uint8) {
	cfg := u.d.Config()
	powered := u.d.Status().Powered
	var err error
	ok := true
	switch {
	case r.op == opSend:
		err = u.tper.Send(r.protocol, r.comID, r.payload)
	case r.op == opReceive:
		data, err = u.tper.Receive(r.protocol, r.comID, int(min(r.size, maxPayload)))
	case r.op != opIdentify && r.op != opInquiry:
		return nil, statusNoCommand
	case !powered:
		err = transport.NoPower
	case r.op == opIdentify:
		data, ok = Identify(&cfg, r.comID)
	default:
		data, ok = Inquiry(&cfg, r.comID)
	}
	if !ok {
		err = transport.InvalidParameter
	}
	if err != nil {
		return nil, statusOf(err)
	}
	return data[:min(len(data), int(min(r.size, maxPayload)))], statusDone
}

// statusOf is the number of an error of the TPer.
func statusOf(err error) uint8 {
	if e, ok := err.(transport.Error); ok {
		return uint8(e)
	}
	return uint8(transport.InvalidParameter)
}
