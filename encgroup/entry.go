package encgroup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// Entry is a part of a record that a Store keeps by itself: that of the group, or that of one
// member.
type Entry struct {
	Serial string // of the member; "" for the group
	Bytes  []byte // holds no secret in plain
}

// The encoding of the group's entry, all integers big endian: magic (4 bytes), version 3 (1), phase
// (1), label, UID and maker (a length byte and the bytes each), Wrapped (40), Signature (32), kind
// (1), next phase (1), next UID and maker (a length byte and the bytes each), next wrapped (40) and
// signature (32), recovery (2 bytes of length and the bytes), number of escrows (1), each a public
// key (32) and two seals (72 each), number of members (4), their sum (32), CRC-32C over all of it
// (4).
//
// The entry of a member: magic (4 bytes), version 1 (1), serial (a length byte and the bytes),
// generation, pending, last, first and next (4 bytes each), CRC-32C over all of it (4).
//
// The sum of the members is the exclusive or of the SHA-256 of each member's entry. A key step
// changes one member, and so the sum can be moved on without the others.
//
// Before version 3 the record was one entry, which is still read. In the place of number and sum it
// has the number of members (4), each a serial (a length byte and the bytes) with generation,
// pending, last, first and next (4 bytes each). Version 1 is version 2 without all that lies between
// Signature and the number of members, and without first and next.
const (
	recordMagic    = "FDEG"
	recordPlain    = 1
	recordExtended = 2
	recordParted   = 3
	memberMagic    = "FDEM"
	memberVersion  = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is that of the members.
type sum [sha256.Size]byte

// turn takes an entry into the sum, or out of it.
func (s *sum) turn(entry [sha256.Size]byte) {
	for i := range s {
		s[i] ^= entry[i]
	}
}

// Entries gives the one encoding of the record, the group's entry first, then the members by serial.
// The error is ErrImpossible, with what contradicts itself.
func (r *Record) Entries() ([]Entry, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	out := make([]Entry, 1, 1+len(r.Members))
	var members sum
	for i := range r.Members {
		e := r.Members[i].entry()
		members.turn(sha256.Sum256(e.Bytes))
		out = append(out, e)
	}
	out[0] = r.entry(len(r.Members), members)
	return out, nil
}

// Compose is what becomes of entries in memory m, which may be faulty. It has them there one behind
// the other, without check sums. Those are made over what the memory returns; the sum of the members
// was made before. nil is a sound memory.
func Compose(m Memory, entries []Entry) []Entry {
	if m == nil {
		return entries
	}
	var all []byte
	for _, e := range entries {
		all = append(all, e.Bytes[:len(e.Bytes)-4]...)
	}
	all = m.Keep(RegionRecord, all)
	out := make([]Entry, len(entries))
	for i, e := range entries {
		n := len(e.Bytes) - 4
		out[i] = Entry{e.Serial, appendChecksum(all[:n:n])}
		all = all[n:]
	}
	return out
}

// entry is the group's.
func (r *Record) entry(count int, members sum) Entry {
	b := make([]byte, 0, 1024+len(r.Recovery))
	text := func(s string) { b = append(append(b, byte(len(s))), s...) }
	b = append(b, recordMagic...)
	b = append(b, recordParted, byte(r.Phase))
	text(r.Label)
	text(r.UID)
	text(r.Maker)
	b = append(append(b, r.Wrapped[:]...), r.Signature[:]...)
	b = append(b, byte(r.Kind), byte(r.NextPhase))
	text(r.NextUID)
	text(r.NextMaker)
	b = append(append(b, r.NextWrapped[:]...), r.NextSignature[:]...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(r.Recovery))), r.Recovery...)
	b = append(b, byte(len(r.Escrows)))
	for i := range r.Escrows {
		e := &r.Escrows[i]
		b = append(append(append(b, e.Public[:]...), e.Sealed[:]...), e.Next[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(count))
	b = append(b, members[:]...)
	return Entry{"", appendChecksum(b)}
}

func (m *Member) entry() Entry {
	b := make([]byte, 0, 4+1+1+serialMax+5*4+4)
	b = append(append(b, memberMagic...), memberVersion, byte(len(m.Serial)))
	b = append(b, m.Serial...)
	for _, n := range [...]uint32{m.Generation, m.Pending, m.Last, m.First, m.Next} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return Entry{m.Serial, appendChecksum(b)}
}

func appendChecksum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// ReadRecord reads what Entries gave, in any order, and a record from before it had entries: one
// entry with an empty serial. Damage is refused with ErrRecord. A record with good check sums that
// contradicts itself is refused with ErrImpossible, because no damage of the medium does that.
// Entries that were not saved together are refused with ErrMixed, which is an ErrImpossible.
func ReadRecord(entries []Entry) (Record, error) {
	own, err := readGroup(entries)
	if err != nil {
		return Record{}, err
	}
	var members sum
	for _, e := range entries {
		if e.Serial == "" {
			continue
		}
		m, err := readMember(e)
		if err != nil {
			return Record{}, err
		}
		members.turn(sha256.Sum256(e.Bytes))
		own.rec.Members = append(own.rec.Members, m)
	}
	if err := own.fits(len(entries)-1, members); err != nil {
		return Record{}, err
	}
	slices.SortFunc(own.rec.Members, bySerial)
	if err := own.rec.check(); err != nil {
		return Record{}, err
	}
	return own.rec, nil
}

// group is what the entry of the group says.
type group struct {
	rec     Record // without members, unless whole
	whole   bool   // from before a record had entries: it has its members in it
	count   int    // of the entries of members
	members sum
}

// fits refuses entries of members that the group's was not saved with.
func (g *group) fits(count int, members sum) error {
	if g.count == count && g.members == members {
		return nil
	}
	return fmt.Errorf("encgroup: %w: %w: of %d members, where it was saved with %d", ErrImpossible, ErrMixed, count, g.count)
}

// readGroup reads the entry of the group.
func readGroup(entries []Entry) (*group, error) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Serial == "" })
	if i < 0 {
		return nil, fmt.Errorf("encgroup: %w: the entry of the group is missing", ErrRecord)
	}
	body, err := unsealed(entries[i].Bytes, recordMagic)
	if err != nil {
		return nil, err
	}
	version, p := body[0], &parser{b: body[1:]}
	if version < recordPlain || version > recordParted {
		return nil, impossible("version %d, need %d to %d", version, recordPlain, recordParted)
	}
	g := &group{whole: version != recordParted}
	p.own(&g.rec, version != recordPlain)
	if g.whole {
		p.members(&g.rec, version != recordPlain)
	} else {
		g.count = int(p.u32())
		copy(g.members[:], p.take(len(g.members)))
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if err := g.rec.checkOwn(); err != nil {
		return nil, err
	}
	if err := g.rec.checkCount(g.count + len(g.rec.Members)); err != nil {
		return nil, err
	}
	return g, nil
}

// unsealed takes the check sum and the magic off an entry.
func unsealed(b []byte, magic string) ([]byte, error) {
	bad := func(what string) error { return fmt.Errorf("encgroup: %w: %s", ErrRecord, what) }
	if len(b) < 10 {
		return nil, bad(fmt.Sprintf("it ends after %d bytes", len(b)))
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return nil, bad("its check sum does not match")
	}
	if string(b[:4]) != magic {
		return nil, impossible("it does not begin like one")
	}
	return body[4:], nil
}

func readMember(e Entry) (Member, error) {
	body, err := unsealed(e.Bytes, memberMagic)
	if err != nil {
		return Member{}, fmt.Errorf("member %q: %w", e.Serial, err)
	}
	if body[0] != memberVersion {
		return Member{}, impossible("member %q: version %d, need %d", e.Serial, body[0], memberVersion)
	}
	p := &parser{b: body[1:]}
	m := Member{p.text(), p.u32(), p.u32(), p.u32(), p.u32(), p.u32()}
	if err := p.end(); err != nil {
		return m, fmt.Errorf("member %q: %w", e.Serial, err)
	}
	if m.Serial != e.Serial {
		return m, impossible("the entry of member %q is that of %q", e.Serial, m.Serial)
	}
	return m, nil
}

// parser takes one field after the other. Once it is short it gives zeros.
type parser struct {
	b     []byte
	short bool
}

func (p *parser) take(k int) []byte {
	if p.short || len(p.b) < k {
		p.short = true
		return make([]byte, k)
	}
	t := p.b[:k]
	p.b = p.b[k:]
	return t
}

func (p *parser) text() string { return string(p.take(int(p.take(1)[0]))) }
func (p *parser) u32() uint32  { return binary.BigEndian.Uint32(p.take(4)) }

// end refuses what was too short, or has something left.
func (p *parser) end() error {
	if p.short {
		return impossible("it ends too early")
	}
	if len(p.b) > 0 {
		return impossible("%d bytes follow it", len(p.b))
	}
	return nil
}

// own reads all but the members.
func (p *parser) own(n *Record, extended bool) {
	n.Phase = Phase(p.take(1)[0])
	n.Label, n.UID, n.Maker = p.text(), p.text(), p.text()
	copy(n.Wrapped[:], p.take(len(n.Wrapped)))
	copy(n.Signature[:], p.take(len(n.Signature)))
	if !extended {
		return
	}
	n.Kind, n.NextPhase = Kind(p.take(1)[0]), Phase(p.take(1)[0])
	n.NextUID, n.NextMaker = p.text(), p.text()
	copy(n.NextWrapped[:], p.take(len(n.NextWrapped)))
	copy(n.NextSignature[:], p.take(len(n.NextSignature)))
	if k := int(binary.BigEndian.Uint16(p.take(2))); k > 0 {
		n.Recovery = slices.Clone(p.take(k))
	}
	for k := p.take(1)[0]; k > 0 && !p.short; k-- {
		var e Escrow
		copy(e.Public[:], p.take(len(e.Public)))
		copy(e.Sealed[:], p.take(len(e.Sealed)))
		copy(e.Next[:], p.take(len(e.Next)))
		n.Escrows = append(n.Escrows, e)
	}
}

// members reads those of a record that has them in it.
func (p *parser) members(n *Record, extended bool) {
	for k := p.u32(); k > 0 && !p.short; k-- {
		m := Member{Serial: p.text(), Generation: p.u32(), Pending: p.u32(), Last: p.u32()}
		if extended {
			m.First, m.Next = p.u32(), p.u32()
		}
		n.Members = append(n.Members, m)
	}
}
