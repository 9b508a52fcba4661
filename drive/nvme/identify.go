package nvme

import (
	"encoding/binary"
	"math/bits"
)

// identifySize is how long every data structure of Identify is, in bytes.
const identifySize = 4096

// Identify, values of CNS (NVMe Base 2.1, figure 311).
const (
	cnsNamespace   = 0x00
	cnsController  = 0x01
	cnsActive      = 0x02
	cnsDescriptors = 0x03
	cnsIndependent = 0x08
	cnsCommandSet  = 0x06
	cnsCommandSets = 0x1C
)

// identify is Identify (NVMe Base 2.1, 5.1.13; NVM Command Set 1.1, 4.1.5).
func (c *Controller) identify(cmd *Command, out []byte) Result {
	if len(out) != identifySize {
		return refused(SGLLength)
	}
	nsid, cns, csi := cmd.NSID(), uint8(cmd.DW(10)), uint8(cmd.DW(11)>>24)
	switch cns {
	case cnsController:
		c.identifyController(out)
	case cnsNamespace:
		if nsid == 0 || nsid == allNamespaces {
			return refused(InvalidNamespace)
		}
		if nsid == namespace { // of one that is not active: zeros
			c.s.identifyNamespace(out)
		}
	case cnsActive:
		if nsid >= 0xFFFFFFFE {
			return refused(InvalidNamespace)
		}
		if nsid < namespace {
			binary.LittleEndian.PutUint32(out, namespace)
		}
	case cnsDescriptors:
		if nsid != namespace {
			return refused(InvalidNamespace)
		}
		c.s.descriptors(out)
	case cnsCommandSet:
		if csi != 0 {
			return refused(InvalidField)
		}
		binary.LittleEndian.PutUint32(out[4:], maxDiscard) // DMRSL
	case cnsIndependent:
		if nsid != namespace {
			return refused(InvalidNamespace)
		}
		out[14] = 1 // NSTAT: ready
	case cnsCommandSets:
		binary.LittleEndian.PutUint64(out, 1)
	default:
		return refused(InvalidField)
	}
	return done
}

// Text puts ASCII text into b, padded with spaces.
func Text(b []byte, s string) {
	for i := range b {
		b[i] = ' '
		if i < len(s) {
			b[i] = s[i]
		}
	}
}

// firmware is the revision that drives report.
const firmware = "1"

// What a controller can do (NVMe Base 2.1, figure 313): security and format; compare, write uncorrectable,
// dataset management, write zeroes, timestamp, verify, copy; all namespaces are erased with one, and crypto erase is there; a
// write cache that Flush of one or all namespaces empties; host identifiers of 128 bits, and traffic is
// keep-alive.
const (
	oacs    = 1 | 1<<1
	oncs    = 1 | 1<<1 | 1<<2 | 1<<3 | 1<<6 | 1<<7 | 1<<8
	fna     = 1<<2 | 1<<1 | 1
	vwc     = 1 | 3<<1
	ctratt  = 1 | 1<<6
	lpa     = 1<<1 | 1<<2 | 1<<4
	oaes    = 1 << 8
	sgls    = 1 | 1<<20 | 1<<21
	kas     = 10 // of 100 ms
	rtd3e   = 5_000_000
	frmw    = 1 | 1<<1
	typeIO  = 1
	kelvin  = 308
	warning = 343
	serious = 353
)

func (s *Subsystem) model() string {
	if s.cfg.Model == "" {
		return "fdelab drive"
	}
	return s.cfg.Model
}

func (c *Controller) identifyController(b []byte) {
	le, s := binary.LittleEndian, c.s
	Text(b[4:24], s.cfg.Serial)
	Text(b[24:64], s.model())
	Text(b[64:72], firmware)
	b[77] = mdts
	le.PutUint16(b[78:], c.id)
	le.PutUint32(b[80:], version)
	le.PutUint32(b[88:], rtd3e)
	le.PutUint32(b[92:], oaes)
	le.PutUint32(b[96:], ctratt)
	b[111] = typeIO
	can := uint16(oacs)
	if s.o.Security == nil {
		can &^= 1
	}
	le.PutUint16(b[256:], can)
	b[258], b[259] = 3, maxEventRequests-1
	b[260], b[261], b[262] = frmw, lpa, maxErrors-1
	le.PutUint16(b[266:], warning)
	le.PutUint16(b[268:], serious)
	le.PutUint64(b[280:], s.cfg.Sectors*uint64(s.cfg.SectorSize))
	le.PutUint16(b[320:], kas)
	le.PutUint32(b[328:], sanicap)
	le.PutUint32(b[352:], historyUnits)
	b[512], b[513] = 0x66, 0x44
	le.PutUint16(b[514:], MaxQueueEntries)
	le.PutUint32(b[516:], namespace)
	le.PutUint16(b[520:], oncs)
	b[524], b[525] = fna, vwc
	le.PutUint16(b[534:], 1) // OCFS: source ranges of format 0
	le.PutUint32(b[536:], sgls)
	copy(b[768:1024], s.o.NQN)
	le.PutUint32(b[1792:], uint32(4+s.o.InCapsule/16))
	le.PutUint32(b[1796:], 1)
	b[1803] = 1 // MSDBD
	le.PutUint16(b[2048:], 2500)
	le.PutUint32(b[2052:], 16)
	le.PutUint32(b[2056:], 4)
}

// The limits of Copy: source ranges, blocks of one, blocks of all.
const (
	maxCopyRanges = 16
	maxCopyRange  = 256
	maxCopyAll    = 1024
)

// identifyNamespace: sectors that were deallocated read as zeros.
func (s *Subsystem) identifyNamespace(b []byte) {
	le := binary.LittleEndian
	for _, at := range []int{0, 8, 16} { // NSZE, NCAP, NUSE
		le.PutUint64(b[at:], s.cfg.Sectors)
	}
	b[33] = 1 | 1<<3 // DLFEAT: zeros, and Write Zeroes may deallocate
	le.PutUint64(b[48:], s.cfg.Sectors*uint64(s.cfg.SectorSize))
	le.PutUint16(b[74:], maxCopyRange)
	le.PutUint32(b[76:], maxCopyAll)
	b[80] = maxCopyRanges - 1
	copy(b[104:], s.nguid())
	b[130] = byte(bits.TrailingZeros(uint(s.cfg.SectorSize))) // format 0
}

// descriptors are the identifiers of the namespace (NVMe Base 2.1, 5.1.13.2.3).
func (s *Subsystem) descriptors(b []byte) {
	const kindNGUID, kindUUID, kindCSI = 2, 3, 4
	at := 0
	put := func(kind byte, id []byte) {
		b[at], b[at+1] = kind, byte(len(id))
		at += 4 + copy(b[at+4:], id)
	}
	put(kindNGUID, s.nguid())
	put(kindUUID, s.uuid())
	put(kindCSI, []byte{0})
}
