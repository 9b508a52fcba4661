package drive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// A record is the whole security area in one flash page: who may authenticate,
// what wraps what, which ranges there are, and the lifecycle state. All numbers
// are big-endian; every wrap starts at a multiple of 8 bytes.
//
//	0   8  magic
//	8   4  length in bytes, CRC included
//	12  2  version
//	14  1  state
//	15  1  1 if it was written in doubt: see order.go
//	16  8  generation of its block: see order.go
//	24  4  key generation: counts records that changed a key
//	28  2  number of slots
//	30  2  number of ranges
//	32  2  failed PSID authentications
//	34  1  1 if there was a sanitize operation
//	35  5  zero
//	40     slots, 64 bytes each, 72 where its authority is disabled; ranges, 24 bytes each and 80 a wrap; the state of the sanitize
//	       operation, 24 bytes, if there was one; CRC-32C, 4 bytes
type record struct {
	generation uint64
	keygen     uint32
	state      State
	psidTries  uint16
	doubt      bool // written while something unread might be newer: only its tries count
	slots      []slotRecord
	ranges     []rangeRecord
	opal       *opalRecord     // nil in a record of an Enterprise drive
	sanitize   *sanitizeRecord // nil: there was no sanitize operation; never changed in place
}

type slotRecord struct {
	authority Authority
	tries     uint16
	atMSID    bool // for the lifecycle and for hosts to see; opens nothing
	// sealed is, of a BandMaster that is disabled, what Wrap was, wrapped once more: see seal.go. Wrap is
	// then zeros. It is never changed in place.
	sealed   *[slotWrapSize]byte
	noMakers bool // of SID: the Makers are disabled
	slot     Slot
	opal     *opalSlot // of an Opal drive; never changed in place
}

type rangeRecord struct {
	cfg                     RangeConfig
	readLocked, writeLocked bool
	wraps                   []wrapRecord // never changed in place, so that records can share it
	opal                    *areaKeys    // in place of wraps in an Opal drive; never changed in place
}

type wrapRecord struct {
	by   Authority // Nobody: the KEK of the root key
	wrap mekWrap
}

const (
	recordMagic   = "FDELABSR"
	recordVersion = 1
	recordHeader  = 40
	slotSize      = 8 + SaltSize + AKWrapSize
	rangeSize     = 24
	wrapSize      = 8 + mekWrapSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errNoRecord is wrapped by every parse error.
	errNoRecord = errors.New("not a security record")
	// errForeign: the check sum holds, so somebody wrote this and it is no noise, but
	// it is of a version or a form that this drive does not know.
	errForeign = fmt.Errorf("%w of a known form", errNoRecord)
)

func (r *record) size() int {
	if r.opal != nil {
		return r.opalSize()
	}
	n := recordHeader + len(r.slots)*slotSize + r.sanitize.size() + 4
	for i := range r.slots {
		if r.slots[i].sealed != nil {
			n += slotWrapSize - AKWrapSize
		}
	}
	for i := range r.ranges {
		n += rangeSize + len(r.ranges[i].wraps)*wrapSize
	}
	return n
}

// clone copies what key steps change: slots and ranges. Wraps are shared.
func (r *record) clone() record {
	c := *r
	c.slots = append([]slotRecord(nil), r.slots...)
	c.ranges = append([]rangeRecord(nil), r.ranges...)
	c.opal = r.opal.clone()
	return c
}

// sameKeys says whether o holds the same wraps, byte for byte.
func (r *record) sameKeys(o *record) bool {
	return slices.EqualFunc(r.slots, o.slots, func(a, b slotRecord) bool {
		return a.authority == b.authority && a.slot == b.slot && sameSeal(a.sealed, b.sealed) && a.opal.same(b.opal)
	}) &&
		slices.EqualFunc(r.ranges, o.ranges, func(a, b rangeRecord) bool { return slices.Equal(a.wraps, b.wraps) && a.opal.same(b.opal) }) &&
		r.opal.sameKeys(o.opal)
}

func (r *record) slot(a Authority) *slotRecord {
	for i := range r.slots {
		if r.slots[i].authority == a {
			return &r.slots[i]
		}
	}
	return nil
}

// configured says whether a BandMaster other than except has a PIN of its own.
func (r *record) configured(except Authority) bool {
	for i := range r.slots {
		s := &r.slots[i]
		if _, band := s.authority.Band(); band && s.authority != except && !s.atMSID {
			return true
		}
	}
	return false
}

func flag(b bool, bit byte) byte {
	if b {
		return bit
	}
	return 0
}

// encode appends the record to b[:0].
func (r *record) encode(b []byte) []byte {
	if r.opal != nil {
		return r.encodeOpal(b)
	}
	be := binary.BigEndian
	b = r.encodeHeader(b, recordVersion)
	for i := range r.slots {
		s := &r.slots[i]
		b = be.AppendUint16(b, uint16(s.authority))
		b = be.AppendUint16(b, s.tries)
		b = append(b, flag(s.atMSID, 1)|flag(s.sealed != nil, 2)|flag(s.noMakers, 4), 0, 0, 0)
		b = append(b, s.slot.Salt[:]...)
		if s.sealed != nil {
			b = append(b, s.sealed[:]...)
		} else {
			b = append(b, s.slot.Wrap[:]...)
		}
	}
	for i := range r.ranges {
		g := &r.ranges[i]
		b = be.AppendUint64(b, g.cfg.Start)
		b = be.AppendUint64(b, g.cfg.Length)
		b = append(b, flag(g.cfg.ReadLockEnabled, 1)|flag(g.cfg.WriteLockEnabled, 2)|flag(g.readLocked, 4)|flag(g.writeLocked, 8),
			byte(g.cfg.LockOnReset), byte(len(g.wraps)), 0, 0, 0, 0, 0)
		for j := range g.wraps {
			b = be.AppendUint16(b, uint16(g.wraps[j].by))
			b = append(b, 0, 0, 0, 0, 0, 0)
			b = append(b, g.wraps[j].wrap[:]...)
		}
	}
	b = r.sanitize.encode(b)
	return be.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// encodeHeader appends the first recordHeader bytes to b[:0].
func (r *record) encodeHeader(b []byte, version uint16) []byte {
	be := binary.BigEndian
	b = append(b[:0], recordMagic...)
	b = be.AppendUint32(b, uint32(r.size()))
	b = be.AppendUint16(b, version)
	b = append(b, byte(r.state), flag(r.doubt, 1))
	b = be.AppendUint64(b, r.generation)
	b = be.AppendUint32(b, r.keygen)
	b = be.AppendUint16(b, uint16(len(r.slots)))
	b = be.AppendUint16(b, uint16(len(r.ranges)))
	b = be.AppendUint16(b, r.psidTries)
	return append(b, flag(r.sanitize != nil, 1), 0, 0, 0, 0, 0)
}

// parseRecord reads a page. It accepts exactly what encode writes; what follows
// in the page is not part of the record, and padded asks about it. The error is
// errForeign where the check sum holds and the rest is not understood.
func parseRecord(p []byte) (*record, error) { return parseVersion(p, recordVersion) }

// parseVersion is parseRecord for a version: a drive knows that of its personality alone.
func parseVersion(p []byte, version uint16) (*record, error) {
	be := binary.BigEndian
	kind := errNoRecord
	bad := func(what string, at int) error { return fmt.Errorf("%w: %s at byte %d", kind, what, at) }
	if len(p) < recordHeader+4 || string(p[:8]) != recordMagic {
		return nil, bad("no magic", 0)
	}
	n := int(be.Uint32(p[8:]))
	if n < recordHeader+4 || n > len(p) {
		return nil, bad("length", 8)
	}
	if crc32.Checksum(p[:n-4], castagnoli) != be.Uint32(p[n-4:]) {
		return nil, bad("CRC", n-4)
	}
	kind = errForeign
	if be.Uint16(p[12:]) != version {
		return nil, bad("version", 12)
	}
	if version == opalVersion {
		return parseOpal(p[:n])
	}
	r := &record{
		state: State(p[14]), generation: be.Uint64(p[16:]), keygen: be.Uint32(p[24:]),
		psidTries: be.Uint16(p[32:]), doubt: p[15] == 1,
	}
	if r.state < Erased || r.state > SecurityDegraded || p[15] > 1 {
		return nil, bad("state", 14)
	}
	if p[34] > 1 || p[35]|p[36]|p[37]|p[38]|p[39] != 0 {
		return nil, bad("padding", 34)
	}
	slots, ranges := int(be.Uint16(p[28:])), int(be.Uint16(p[30:]))
	if ranges < 1 || ranges > MaxRanges+1 || slots > 1024 {
		return nil, bad("counts", 28)
	}
	at, end := recordHeader, n-4
	if end = r.takeSanitize(p, end); end < at {
		return nil, bad("sanitize operation", n-4)
	}
	if end-at < slots*slotSize+ranges*rangeSize {
		return nil, bad("length for its counts", 8)
	}
	r.slots = make([]slotRecord, slots)
	for i := range r.slots {
		if end-at < slotSize {
			return nil, bad("slot", at)
		}
		s, size, ok := parseSlot(p[at:end])
		if !ok {
			return nil, bad("slot flags", at+4)
		}
		r.slots[i] = s
		at += size
	}
	r.ranges = make([]rangeRecord, ranges)
	for i := range r.ranges {
		if end-at < rangeSize {
			return nil, bad("range", at)
		}
		g, wraps, ok := parseRange(p[at : at+rangeSize])
		if !ok {
			return nil, bad("range flags", at+16)
		}
		at += rangeSize
		if end-at < wraps*wrapSize {
			return nil, bad("wraps", at)
		}
		g.wraps = make([]wrapRecord, wraps)
		for j := range g.wraps {
			if g.wraps[j], ok = parseWrap(p[at : at+wrapSize]); !ok {
				return nil, bad("wrap padding", at+2)
			}
			at += wrapSize
		}
		r.ranges[i] = g
	}
	if at != end {
		return nil, bad("trailing bytes", at)
	}
	return r, nil
}

// parseSlot reads a slot from the slotSize bytes or more of p, and says how long it is; ok is false where
// its flags are none, or it does not fit.
func parseSlot(p []byte) (s slotRecord, size int, ok bool) {
	be := binary.BigEndian
	s.authority, s.tries, s.atMSID = Authority(be.Uint16(p)), be.Uint16(p[2:]), p[4]&1 != 0
	s.noMakers = p[4]&4 != 0
	copy(s.slot.Salt[:], p[8:])
	ok = p[4] <= 7 && p[5]|p[6]|p[7] == 0
	if p[4]&2 == 0 {
		copy(s.slot.Wrap[:], p[8+SaltSize:])
		return s, slotSize, ok
	}
	_, band := s.authority.Band()
	s.sealed = new([slotWrapSize]byte)
	size = slotSize + copy(s.sealed[:], p[8+SaltSize:]) - AKWrapSize
	return s, size, ok && band && size == slotSize+slotWrapSize-AKWrapSize
}

// parseRange reads the rangeSize bytes of a range, and how many wraps follow it; ok is false
// where its flags are none.
func parseRange(p []byte) (g rangeRecord, wraps int, ok bool) {
	be := binary.BigEndian
	g.cfg = RangeConfig{
		Start: be.Uint64(p), Length: be.Uint64(p[8:]), ReadLockEnabled: p[16]&1 != 0,
		WriteLockEnabled: p[16]&2 != 0, LockOnReset: ResetSet(p[17]),
	}
	g.readLocked, g.writeLocked = p[16]&4 != 0, p[16]&8 != 0
	return g, int(p[18]), p[16] <= 15 && p[17] <= byte(allResets) && p[19]|p[20]|p[21]|p[22]|p[23] == 0
}

// parseWrap reads the wrapSize bytes of a wrap; ok is false where its padding is not 0.
func parseWrap(p []byte) (w wrapRecord, ok bool) {
	w.by = Authority(binary.BigEndian.Uint16(p))
	copy(w.wrap[:], p[8:])
	return w, p[2]|p[3]|p[4]|p[5]|p[6]|p[7] == 0
}

// padded says whether a page is the record r and erased bytes behind it.
func (r *record) padded(page []byte) bool {
	n := r.size()
	return n == len(page) || constant(page[n:], 0xFF)
}
