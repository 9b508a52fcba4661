package nvme

import (
	"bytes"
	"encoding/binary"
)

// IO does a command of an I/O queue with the number queue. in and out are as at Admin, but out need not be
// zeros. It answers at once, also where a range is locked.
func (c *Controller) IO(queue uint16, cmd *Command, in, out []byte) Result {
	if c.over() {
		return Result{Gone: true}
	}
	c.hear()
	r := c.io(cmd, in, out)
	switch r.Status & statusMask {
	case UnrecoveredRead, WriteFault:
		c.s.count.mediaErrors.Add(1)
	}
	c.note(queue, cmd, r)
	return r
}

func (c *Controller) io(cmd *Command, in, out []byte) Result {
	switch {
	case !c.ready.Load():
		return refused(SequenceError)
	case cmd[1]&3 != 0:
		return refused(InvalidField)
	}
	op := cmd.Opcode()
	if nsid := cmd.NSID(); nsid != namespace && (op != OpFlush || nsid != allNamespaces) {
		return refused(InvalidNamespace)
	}
	if r, ok := c.ioWhileSanitizing(cmd, out); !ok {
		return r
	}
	switch op {
	case OpFlush:
		return media(c.s.d.Sync(), WriteFault)
	case OpRead:
		return c.read(cmd, out)
	case OpWrite:
		return c.write(cmd, in)
	case OpCompare:
		return c.compare(cmd, in)
	case OpWriteZeroes:
		return c.change(cmd, c.s.d.WriteZeroes)
	case OpUncorrect:
		return c.change(cmd, c.s.d.Spoil)
	case OpVerify:
		return c.verify(cmd)
	case OpDatasetMgmt:
		return c.manage(cmd, in)
	case OpCopy:
		return c.copy(cmd, in)
	}
	return refused(InvalidOpcode)
}

const (
	forceAccess      = 1 << 30 // FUA, in dword 12
	protectionAction = 1 << 29 // PRACT
)

// blocks checks the fields of a command with SLBA and NLB (NVM Command Set 1.1, 3.3). data is how many bytes
// come with it; below 0 is a command without data.
func (c *Controller) blocks(cmd *Command, data int) (lba, n uint64, r Result, ok bool) {
	dw12 := cmd.DW(12)
	lba, n = cmd.slba(), uint64(dw12&0xFFFF)+1
	switch {
	case dw12&protectionAction != 0:
		return 0, 0, refused(InvalidField), false // no protection information
	case lba >= c.s.cfg.Sectors || n > c.s.cfg.Sectors-lba:
		return 0, 0, refused(LBAOutOfRange), false
	case data < 0:
		return lba, n, done, true
	case n*uint64(c.s.cfg.SectorSize) > MaxTransfer:
		return 0, 0, refused(InvalidField), false
	case uint64(data) != n*uint64(c.s.cfg.SectorSize):
		return 0, 0, refused(SGLLength), false
	}
	return lba, n, done, true
}

func (c *Controller) read(cmd *Command, out []byte) Result {
	lba, n, r, ok := c.blocks(cmd, len(out))
	if !ok {
		return r
	}
	if err := c.s.d.Read(lba, out); err != nil {
		clear(out)
		return media(err, UnrecoveredRead)
	}
	c.s.count.reads.Add(1)
	c.s.count.sectorsRead.Add(n)
	return done
}

func (c *Controller) write(cmd *Command, in []byte) Result {
	lba, n, r, ok := c.blocks(cmd, len(in))
	if !ok {
		return r
	}
	if err := c.s.d.Write(lba, in); err != nil {
		return media(err, WriteFault)
	}
	c.s.count.writes.Add(1)
	c.s.count.sectorsWritten.Add(n)
	return c.force(cmd)
}

// force is the end of a command that changes the medium: with FUA, and without a write cache, the data have
// to be safe. The lock of the features is not needed: a host that changes one meanwhile gets either.
func (c *Controller) force(cmd *Command) Result {
	c.mu.Lock()
	cache := c.features.values[featWriteCache]&1 != 0
	c.mu.Unlock()
	if cache && cmd.DW(12)&forceAccess == 0 {
		return done
	}
	return media(c.s.d.Sync(), WriteFault)
}

func (c *Controller) compare(cmd *Command, in []byte) Result {
	lba, n, r, ok := c.blocks(cmd, len(in))
	if !ok {
		return r
	}
	is := make([]byte, len(in))
	defer clear(is)
	if err := c.s.d.Read(lba, is); err != nil {
		return media(err, UnrecoveredRead)
	}
	c.s.count.reads.Add(1)
	c.s.count.sectorsRead.Add(n)
	if !bytes.Equal(is, in) {
		return refused(CompareFailure)
	}
	return done
}

// change is Write Zeroes and Write Uncorrectable: a command without data.
func (c *Controller) change(cmd *Command, do func(lba, n uint64) error) Result {
	lba, n, r, ok := c.blocks(cmd, -1)
	if !ok {
		return r
	}
	if err := do(lba, n); err != nil {
		return media(err, WriteFault)
	}
	return c.force(cmd)
}

// pieceSize is how much of the medium a command without data reads at a time, in bytes.
const pieceSize = 64 << 10

// verify reads without giving what it read to anybody.
func (c *Controller) verify(cmd *Command) Result {
	lba, n, r, ok := c.blocks(cmd, -1)
	if !ok {
		return r
	}
	if err := c.s.d.Readable(lba, n); err != nil {
		return media(err, UnrecoveredRead)
	}
	piece := make([]byte, pieceSize)
	defer clear(piece)
	size := uint64(c.s.cfg.SectorSize)
	for n > 0 {
		now := min(n, pieceSize/size)
		if err := c.s.d.Read(lba, piece[:now*size]); err != nil {
			return media(err, UnrecoveredRead)
		}
		lba, n = lba+now, n-now
	}
	return done
}

// maxDiscard is how many blocks of one range Dataset Management deallocates at most; longer ones stay as they
// are, which a hint allows.
const maxDiscard = 1 << 22

// manage is Dataset Management (NVM Command Set 1.1, 3.3.3). Without AD it is a hint, and nothing happens.
// Nothing changes where one of the ranges may not be written, also one that is too long to be deallocated.
func (c *Controller) manage(cmd *Command, in []byte) Result {
	const size = 16
	ranges := int(cmd.DW(10)&0xFF) + 1
	if len(in) < ranges*size {
		return refused(SGLLength)
	}
	if cmd.DW(11)>>2&1 == 0 {
		return done
	}
	discard := func(lba, n uint64) error {
		if n > maxDiscard {
			return nil
		}
		return c.s.d.Discard(lba, n)
	}
	for _, act := range []func(lba, n uint64) error{c.s.d.Writable, discard} {
		for at := range ranges {
			b := in[at*size:]
			lba, n := binary.LittleEndian.Uint64(b[8:]), uint64(binary.LittleEndian.Uint32(b[4:]))
			switch {
			case lba >= c.s.cfg.Sectors || n > c.s.cfg.Sectors-lba:
				return refused(LBAOutOfRange)
			case n == 0:
				continue
			}
			if err := act(lba, n); err != nil {
				return media(err, WriteFault)
			}
		}
	}
	return done
}

// copy is Copy with source ranges of format 0 (NVM Command Set 1.1, 3.3.2). All is read before anything is
// written.
func (c *Controller) copy(cmd *Command, in []byte) Result {
	const size = 32
	dw12 := cmd.DW(12)
	ranges := int(dw12&0xFF) + 1
	switch {
	case dw12>>8&0xF != 0 || dw12&(0xF<<26) != 0 || dw12>>12&0xF != 0:
		return refused(InvalidField)
	case ranges > maxCopyRanges:
		return refused(CommandSize)
	case len(in) != ranges*size:
		return refused(SGLLength)
	}
	sector := uint64(c.s.cfg.SectorSize)
	var all []byte
	defer func() { clear(all) }()
	for at := range ranges {
		b := in[at*size:]
		lba, n := binary.LittleEndian.Uint64(b[8:]), uint64(binary.LittleEndian.Uint16(b[16:]))+1
		if n > maxCopyRange || uint64(len(all))/sector+n > maxCopyAll {
			return refused(CommandSize)
		}
		if lba >= c.s.cfg.Sectors || n > c.s.cfg.Sectors-lba {
			return refused(LBAOutOfRange)
		}
		from := len(all)
		all = append(all, make([]byte, n*sector)...)
		if err := c.s.d.Read(lba, all[from:]); err != nil {
			return media(err, UnrecoveredRead)
		}
	}
	to := cmd.slba()
	if n := uint64(len(all)) / sector; to >= c.s.cfg.Sectors || n > c.s.cfg.Sectors-to {
		return refused(LBAOutOfRange)
	}
	if err := c.s.d.Write(to, all); err != nil {
		return media(err, WriteFault)
	}
	return c.force(cmd)
}
