package drive

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
)

// The record of an Opal drive is version 2. It begins as version 1 does; then:
//
//	40  1  1 MBR shadow enabled, 2 done, 4 SUM policy: Admins place the ranges
//	41  1  DoneOnReset
//	42  2  number of DataStore tables
//	44  2  length of the note
//	46  2  zero
//	48     slots, 152 bytes each
//	       ranges, 24 bytes and keys each
//	       MBR shadow and DataStore tables, 16 bytes and keys each
//	       note, then zeros up to a multiple of 8; CRC-32C, 4 bytes
//
// Keys are a wrapped MEK, 72 bytes, then a wrapped range key, 40 bytes, for each holder. What has a MEK
// is an area: a range, the MBR shadow, a DataStore table.
const (
	opalVersion    = 2
	opalHeader     = recordHeader + 8
	opalSlotSize   = 8 + SaltSize + slotWrapSize + 2*AKWrapSize
	opalTableSize  = 16
	slotWrapSize   = AKWrapSize + 8 // the wrap of a PIN, wrapped once more while its authority is disabled
	maxDataStores  = MaxDataStores
	maxNote        = 4096
	opalSlots      = 2 + Admins + Users // SID and AdminSPAdmin beside those of the Locking SP
	maxOpalRanges  = 16
	opalKeyRoom    = mekWrapSize
	firstUser      = 1 + Admins
	holders        = 1 + Admins + Users
	opalLockingPos = 2 // index of the slot of Admin 1
)

// opalRecord is what the record of an Opal drive has beside slots and ranges.
type opalRecord struct {
	mbrEnable, mbrDone bool
	doneOnReset        ResetSet
	adminsPlace        bool        // SUM policy 1: the Admins place the ranges in Single User Mode
	mbr                tableRecord // size 0: the whole of Config.MBRSize
	stores             []tableRecord
	note               []byte // never changed in place
}

// tableRecord is a table of bytes.
type tableRecord struct {
	size uint64 // bytes
	keys *areaKeys
}

func (o *opalRecord) clone() *opalRecord {
	if o == nil {
		return nil
	}
	own := *o
	own.stores = slices.Clone(o.stores)
	return &own
}

func (o *opalRecord) sameKeys(p *opalRecord) bool {
	if o == nil || p == nil {
		return o == p
	}
	return o.mbr.keys.same(p.mbr.keys) &&
		slices.EqualFunc(o.stores, p.stores, func(a, b tableRecord) bool { return a.keys.same(b.keys) })
}

// slotKind is how the AK of an authority of an Opal drive is kept.
type slotKind uint8

const (
	slotNone   slotKind = iota // the authority has no PIN, and nothing that it presents opens a key
	slotPIN                    // wrapped by the KEK of its PIN
	slotSealed                 // the same wrap, wrapped by the users' key: the authority is disabled
	slotOpen                   // wrapped by a key that the root key alone gives: its PIN is the empty one
)

// opalSlot is the slot of an authority of an Opal drive. The salt is in Slot.
type opalSlot struct {
	kind    slotKind
	enabled bool
	wrap    [slotWrapSize]byte // of the AK: the first AKWrapSize bytes unless it is sealed
	// escrow is the AK wrapped by the users' key, by which an Admin sets the authority's PIN and
	// grants it ranges. Zeros where no Admin may: an owner in Single User Mode, SID.
	escrow [AKWrapSize]byte
	// users is the users' key wrapped by the AK of an Admin.
	users [AKWrapSize]byte
}

func (s *opalSlot) same(o *opalSlot) bool {
	if s == nil || o == nil {
		return s == o
	}
	return *s == *o
}

// holder numbers those who may have a wrap of the key of an area.
type holder uint8

// rootHolder is the KEK of the root key: everybody.
const rootHolder holder = 0

// holderOf is the number of an authority of the Locking SP.
func holderOf(a Authority) (h holder, ok bool) {
	switch {
	case a == Nobody:
		return rootHolder, true
	case a.IsAdmin():
		return holder(a - admin), true
	case a.IsUser():
		return holder(firstUser - 1 + a - user), true
	}
	return 0, false
}

// authority is who has the number.
func (h holder) authority() Authority {
	switch {
	case h == rootHolder:
		return Nobody
	case h < firstUser:
		return admin + Authority(h)
	}
	return user + Authority(h-firstUser+1)
}

// areaKeys is the MEK of an area, wrapped by its range key, and the range key wrapped for each holder,
// in the order of their numbers.
type areaKeys struct {
	mek   mekWrap
	mask  uint16 // bit h: holder h has a wrap
	sum   bool   // a range in Single User Mode
	wraps [][AKWrapSize]byte
}

func (k *areaKeys) same(o *areaKeys) bool {
	if k == nil || o == nil {
		return k == o
	}
	return k.mek == o.mek && k.mask == o.mask && k.sum == o.sum && slices.Equal(k.wraps, o.wraps)
}

func (k *areaKeys) has(h holder) bool { return k.mask&(1<<h) != 0 }

// at is where the wrap of h is, or would be.
func (k *areaKeys) at(h holder) int { return bits.OnesCount16(k.mask & (1<<h - 1)) }

// with is k with the wrap of one holder more.
func (k *areaKeys) with(h holder, wrap *[AKWrapSize]byte) *areaKeys {
	own := *k
	own.wraps = slices.Insert(slices.Clone(k.wraps), k.at(h), *wrap)
	own.mask |= 1 << h
	return &own
}

// without is k without the wrap of a holder.
func (k *areaKeys) without(h holder) *areaKeys {
	own := *k
	own.wraps = slices.Delete(slices.Clone(k.wraps), k.at(h), k.at(h)+1)
	own.mask &^= 1 << h
	return &own
}

// authorities lists who has a wrap, Nobody for the root key first.
func (k *areaKeys) authorities() (out []Authority) {
	for h := range holder(holders) {
		if k.has(h) {
			out = append(out, h.authority())
		}
	}
	return out
}

func (k *areaKeys) size() int { return mekWrapSize + len(k.wraps)*AKWrapSize }

func (k *areaKeys) encode(b []byte) []byte {
	b = append(b, k.mek[:]...)
	for i := range k.wraps {
		b = append(b, k.wraps[i][:]...)
	}
	return b
}

// activated says whether the Locking SP of an Opal drive is activated: its Admin 1 has an AK.
func (r *record) activated() bool {
	s := r.slot(Admin(1))
	return s != nil && s.opal.users != [AKWrapSize]byte{}
}

// keepsMEKs says whether the first n ranges have the MEK that they have in old, and the others another.
func (r *record) keepsMEKs(old *record, n int) bool {
	for i := range r.ranges {
		was := i < len(old.ranges) && old.ranges[i].opal != nil && r.ranges[i].opal.mek == old.ranges[i].opal.mek
		if was != (i < n) {
			return false
		}
	}
	return true
}

// granted says whether every range has a holder beside the root key.
func (r *record) granted() bool {
	for i := range r.ranges {
		if r.ranges[i].opal.mask>>1 == 0 {
			return false
		}
	}
	return true
}

func (r *record) opalSize() int {
	n := opalHeader + len(r.slots)*opalSlotSize + opalTableSize + r.opal.mbr.keys.size() + (len(r.opal.note)+7)/8*8 + r.sanitize.size() + 4
	for i := range r.ranges {
		n += rangeSize + r.ranges[i].opal.size()
	}
	for i := range r.opal.stores {
		n += opalTableSize + r.opal.stores[i].keys.size()
	}
	return n
}

func (r *record) encodeOpal(b []byte) []byte {
	be, o := binary.BigEndian, r.opal
	b = r.encodeHeader(b, opalVersion)
	b = append(b, flag(o.mbrEnable, 1)|flag(o.mbrDone, 2)|flag(o.adminsPlace, 4), byte(o.doneOnReset))
	b = be.AppendUint16(b, uint16(len(o.stores)))
	b = be.AppendUint16(b, uint16(len(o.note)))
	b = append(b, 0, 0)
	for i := range r.slots {
		s := &r.slots[i]
		b = be.AppendUint16(b, uint16(s.authority))
		b = be.AppendUint16(b, s.tries)
		b = append(b, flag(s.atMSID, 1)|flag(s.opal.enabled, 2), byte(s.opal.kind), 0, 0)
		b = append(b, s.slot.Salt[:]...)
		b = append(b, s.opal.wrap[:]...)
		b = append(b, s.opal.escrow[:]...)
		b = append(b, s.opal.users[:]...)
	}
	for i := range r.ranges {
		g := &r.ranges[i]
		b = be.AppendUint64(b, g.cfg.Start)
		b = be.AppendUint64(b, g.cfg.Length)
		b = append(b, flag(g.cfg.ReadLockEnabled, 1)|flag(g.cfg.WriteLockEnabled, 2)|flag(g.readLocked, 4)|flag(g.writeLocked, 8)|flag(g.opal.sum, 16),
			byte(g.cfg.LockOnReset))
		b = be.AppendUint16(b, g.opal.mask)
		b = append(b, 0, 0, 0, 0)
		b = g.opal.encode(b)
	}
	b = o.mbr.encode(b)
	for i := range o.stores {
		b = o.stores[i].encode(b)
	}
	b = append(b, o.note...)
	b = append(b, make([]byte, (8-len(o.note)%8)%8)...)
	b = r.sanitize.encode(b)
	return be.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (t *tableRecord) encode(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, t.size)
	b = binary.BigEndian.AppendUint16(b, t.keys.mask)
	return t.keys.encode(append(b, 0, 0, 0, 0, 0, 0))
}

// opalParser reads a record of version 2 from left to right.
type opalParser struct {
	p   []byte // without the check sum
	at  int
	err error
}

func (p *opalParser) bad(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: %s at byte %d", errForeign, what, p.at)
	}
}

// next is the next n bytes; zeros once something was bad.
func (p *opalParser) next(n int, what string) []byte {
	if p.err != nil || len(p.p)-p.at < n {
		p.bad(what)
		return make([]byte, n)
	}
	p.at += n
	return p.p[p.at-n : p.at]
}

// zero is the next n bytes, which are padding.
func (p *opalParser) zero(n int) {
	if b := p.next(n, "padding"); !constant(append(b[:n:n], 0), 0) {
		p.bad("padding")
	}
}

// parseOpal reads a record of version 2 whose check sum holds. It accepts exactly what encodeOpal
// writes.
func parseOpal(page []byte) (*record, error) {
	be := binary.BigEndian
	p := &opalParser{p: page[:len(page)-4], at: 14}
	r := &record{
		state: State(page[14]), doubt: page[15] == 1, generation: be.Uint64(page[16:]), keygen: be.Uint32(page[24:]),
		psidTries: be.Uint16(page[32:]), opal: &opalRecord{},
	}
	if r.state < SecurityDegraded || r.state > Manufactured || page[15] > 1 || page[34] > 1 {
		p.bad("state")
	}
	p.at = 35
	p.zero(5)
	h := p.next(6, "header")
	p.zero(2)
	r.opal.mbrEnable, r.opal.mbrDone, r.opal.adminsPlace, r.opal.doneOnReset = h[0]&1 != 0, h[0]&2 != 0, h[0]&4 != 0, ResetSet(h[1])
	slots, ranges, stores, note := int(be.Uint16(page[28:])), int(be.Uint16(page[30:])), int(be.Uint16(h[2:])), int(be.Uint16(h[4:]))
	if h[0] > 7 || h[1] > byte(opalResets) || slots != opalSlots || ranges < 1 || ranges > maxOpalRanges+1 || stores > maxDataStores || note > maxNote {
		p.bad("counts")
		return nil, p.err
	}
	r.slots, r.ranges, r.opal.stores = make([]slotRecord, slots), make([]rangeRecord, ranges), make([]tableRecord, stores)
	for i := range r.slots {
		p.slot(&r.slots[i])
	}
	for i := range r.ranges {
		p.ranges(&r.ranges[i])
	}
	p.table(&r.opal.mbr)
	for i := range r.opal.stores {
		p.table(&r.opal.stores[i])
	}
	r.opal.note = slices.Clone(p.next(note, "note"))
	p.zero((8 - note%8) % 8)
	if page[34] == 1 {
		var ok bool
		if r.sanitize, ok = parseSanitize(p.next(sanitizeSize, "sanitize operation")); !ok {
			p.bad("sanitize operation")
		}
	}
	if p.at != len(p.p) {
		p.bad("trailing bytes")
	}
	if p.err != nil {
		return nil, p.err
	}
	return r, nil
}

func (p *opalParser) slot(s *slotRecord) {
	be := binary.BigEndian
	b := p.next(6, "slot")
	s.authority, s.tries, s.atMSID = Authority(be.Uint16(b)), be.Uint16(b[2:]), b[4]&1 != 0
	s.opal = &opalSlot{kind: slotKind(b[5]), enabled: b[4]&2 != 0}
	if b[4] > 3 || b[5] > byte(slotOpen) {
		p.bad("slot flags")
	}
	p.zero(2)
	copy(s.slot.Salt[:], p.next(SaltSize, "slot"))
	copy(s.opal.wrap[:], p.next(slotWrapSize, "slot"))
	copy(s.opal.escrow[:], p.next(AKWrapSize, "slot"))
	copy(s.opal.users[:], p.next(AKWrapSize, "slot"))
}

func (p *opalParser) ranges(g *rangeRecord) {
	be := binary.BigEndian
	b := p.next(20, "range")
	g.cfg = RangeConfig{
		Start: be.Uint64(b), Length: be.Uint64(b[8:]), ReadLockEnabled: b[16]&1 != 0,
		WriteLockEnabled: b[16]&2 != 0, LockOnReset: ResetSet(b[17]),
	}
	g.readLocked, g.writeLocked = b[16]&4 != 0, b[16]&8 != 0
	if b[16] > 31 || b[17] > byte(opalResets) {
		p.bad("range flags")
	}
	p.zero(4)
	g.opal = p.keys(be.Uint16(b[18:]))
	g.opal.sum = b[16]&16 != 0
}

func (p *opalParser) table(t *tableRecord) {
	b := p.next(10, "table")
	t.size = binary.BigEndian.Uint64(b)
	p.zero(6)
	t.keys = p.keys(binary.BigEndian.Uint16(b[8:]))
}

func (p *opalParser) keys(mask uint16) *areaKeys {
	if mask >= 1<<holders {
		p.bad("holders")
		mask = 0
	}
	k := &areaKeys{mask: mask, wraps: make([][AKWrapSize]byte, bits.OnesCount16(mask))}
	copy(k.mek[:], p.next(mekWrapSize, "wraps"))
	for i := range k.wraps {
		copy(k.wraps[i][:], p.next(AKWrapSize, "wraps"))
	}
	return k
}
