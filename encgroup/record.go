package encgroup

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Phase is how far the data key of a group came.
type Phase uint8

// The phases. A data key counts as enabled only after it was read back from
// another server than the one that made it.
const (
	NoDataKey Phase = iota // nothing was begun
	Prepare                // a server is about to be asked for a key
	Enabling               // a server made a key; no other server has shown it yet
	Enabled                // two servers gave the same key; the group key is wrapped with it
)

// Member is a drive of the group, or one that was.
type Member struct {
	Serial string // 1 to 20 printable ASCII characters
	// Generation is the credential that the drive last proved to have; 0 if
	// its admission was not finished yet, or if it is no member any more.
	Generation uint32
	// Pending is the credential that a key step is moving to, recorded before
	// the drive is touched; 0 when no step is under way.
	Pending uint32
	// Last is the highest generation that was ever used for this serial. It
	// only grows, also over release and new admission: no credential is given
	// twice, since a block that could not be erased may still hold its wrap.
	Last uint32
}

// Current says whether the drive is a member now.
func (m Member) Current() bool { return m.Generation != 0 || m.Pending != 0 }

// Record is the part of a group that survives power: it holds no secret that is
// not wrapped.
type Record struct {
	Phase     Phase
	Label     string   // 0 to 64 bytes, printable ASCII
	UID       string   // unique identifier of the data key, 0 to 255 bytes
	Maker     string   // ID of the server that made the data key, 0 to 255 bytes
	Wrapped   [40]byte // AES-KW(data key, group key); zero before Enabled
	Signature [32]byte // HMAC-SHA256 over UID and Wrapped; zero before Enabled
	Members   []Member // by serial, ascending; former members too
}

// The encoding, all integers big endian: magic (4 bytes), version (1), phase
// (1), label, UID and maker (a length byte and the bytes each), Wrapped (40),
// Signature (32), number of members (4), each a serial (length byte and bytes)
// with generation, pending and last (4 bytes each), CRC-32C over all of it (4).
const (
	recordMagic   = "FDEG"
	recordVersion = 1
	labelMax      = 64
	serialMax     = 20
	membersMax    = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary gives the one encoding of the record; the error says what in it
// can not be.
func (r *Record) MarshalBinary() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 128+len(r.Label)+len(r.UID)+len(r.Maker)+len(r.Members)*(1+serialMax+12))
	b = append(b, recordMagic...)
	b = append(b, recordVersion, byte(r.Phase))
	for _, s := range []string{r.Label, r.UID, r.Maker} {
		b = append(append(b, byte(len(s))), s...)
	}
	b = append(append(b, r.Wrapped[:]...), r.Signature[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Members)))
	for i := range r.Members {
		m := &r.Members[i]
		b = append(append(b, byte(len(m.Serial))), m.Serial...)
		b = binary.BigEndian.AppendUint32(b, m.Generation)
		b = binary.BigEndian.AppendUint32(b, m.Pending)
		b = binary.BigEndian.AppendUint32(b, m.Last)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. Anything else is refused with
// ErrRecord, and the record stays as it was.
func (r *Record) UnmarshalBinary(b []byte) error {
	bad := func(what string) error { return fmt.Errorf("encgroup: %w: %s", ErrRecord, what) }
	if len(b) < 4 || string(b[:4]) != recordMagic {
		return bad("it does not begin like one")
	}
	if len(b) < 10 {
		return bad(fmt.Sprintf("it ends after %d bytes", len(b)))
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return bad("its check sum does not match")
	}
	if body[4] != recordVersion {
		return bad(fmt.Sprintf("it has version %d, need %d", body[4], recordVersion))
	}
	n := Record{Phase: Phase(body[5])}
	p := body[6:]
	short := false
	take := func(k int) []byte {
		if short || len(p) < k {
			short = true
			return make([]byte, k)
		}
		t := p[:k]
		p = p[k:]
		return t
	}
	text := func() string { return string(take(int(take(1)[0]))) }
	u32 := func() uint32 { return binary.BigEndian.Uint32(take(4)) }
	n.Label, n.UID, n.Maker = text(), text(), text()
	copy(n.Wrapped[:], take(len(n.Wrapped)))
	copy(n.Signature[:], take(len(n.Signature)))
	for k := u32(); k > 0 && !short; k-- {
		n.Members = append(n.Members, Member{Serial: text(), Generation: u32(), Pending: u32(), Last: u32()})
	}
	if short {
		return bad("it ends too early")
	}
	if len(p) > 0 {
		return bad(fmt.Sprintf("%d bytes follow it", len(p)))
	}
	if err := n.check(); err != nil {
		return err
	}
	*r = n
	return nil
}

// check holds the record to what can be: it runs at writing and at reading.
func (r *Record) check() error {
	bad := func(what string, a ...any) error {
		return fmt.Errorf("encgroup: %w: %s", ErrRecord, fmt.Sprintf(what, a...))
	}
	if r.Phase > Enabled {
		return bad("phase %d, need 0 to %d", r.Phase, Enabled)
	}
	if err := checkLabel(r.Label); err != nil {
		return bad("%v", err)
	}
	if len(r.UID) > 255 || len(r.Maker) > 255 {
		return bad("an identifier longer than 255 bytes")
	}
	if named := r.UID != "" && r.Maker != ""; named != (r.Phase >= Enabling) {
		return bad("a data key that does not fit phase %d", r.Phase)
	}
	if wrapped := r.Wrapped != [32 + keywrap.Overhead]byte{}; wrapped != (r.Phase == Enabled) {
		return bad("a wrapped group key that does not fit phase %d", r.Phase)
	}
	if len(r.Members) > membersMax {
		return bad("%d members, at most %d", len(r.Members), membersMax)
	}
	if len(r.Members) > 0 && r.Phase != Enabled {
		return bad("members in phase %d", r.Phase)
	}
	for i, m := range r.Members {
		if err := checkSerial(m.Serial); err != nil {
			return bad("%v", err)
		}
		if i > 0 && m.Serial <= r.Members[i-1].Serial {
			return bad("member %q is out of order", m.Serial)
		}
		if m.Last == 0 || m.Generation > m.Last || m.Pending > m.Last || (m.Pending != 0 && m.Pending == m.Generation) {
			return bad("member %q has generation %d, pending %d, last %d", m.Serial, m.Generation, m.Pending, m.Last)
		}
	}
	return nil
}

func checkLabel(s string) error {
	if len(s) > labelMax || !printable(s) {
		return fmt.Errorf("label %q, need 0 to %d printable ASCII characters", s, labelMax)
	}
	return nil
}

func checkSerial(s string) error {
	if s == "" || len(s) > serialMax || !printable(s) {
		return fmt.Errorf("serial number %q, need 1 to %d printable ASCII characters", s, serialMax)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// find gives the place of a serial in the sorted members.
func (r *Record) find(serial string) (int, bool) {
	return slices.BinarySearchFunc(r.Members, serial, func(m Member, s string) int { return cmp.Compare(m.Serial, s) })
}
