package memo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Memo is results by what they were made of. A nil one keeps nothing.
type Memo struct {
	results map[key][]byte
	used    map[key]bool
	fresh   int
}

type key [sha256.Size]byte

// New is an empty memo.
func New() *Memo { return &Memo{results: map[key][]byte{}, used: map[key]bool{}} }

// Do gives the result of a computation. what names it and its version; given is all that it depends on, and is not
// kept. The caller changes no byte of the result.
func (m *Memo) Do(what string, given []byte, compute func() []byte) []byte {
	if m == nil {
		return compute()
	}
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(what))))
	h.Write([]byte(what))
	h.Write(given)
	k := key(h.Sum(nil))
	m.used[k] = true
	if result, ok := m.results[k]; ok {
		return result
	}
	result := compute()
	m.results[k] = result
	m.fresh++
	return result
}

// Fresh is how many results were computed, and not found, since the memo was made or decoded.
func (m *Memo) Fresh() int { return m.fresh }

// Format of an encoding, all integers big endian: the header, the length of the program's name (2 bytes) and the name,
// then each result, ascending by its key: the key (32 bytes), the length (4) and the result; last the SHA-256 of all
// before it.
const header = "fdelab memo 1\n"

// Encode gives what was used since the memo was made or decoded, for the program of this name, at most 65,535 bytes.
// What was not used belongs to something that is no more, and is left out.
func (m *Memo) Encode(program string) []byte {
	b := binary.BigEndian.AppendUint16([]byte(header), uint16(len(program)))
	b = append(b, program...)
	for _, k := range slices.SortedFunc(maps.Keys(m.used), func(a, b key) int { return bytes.Compare(a[:], b[:]) }) {
		b = append(b, k[:]...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.results[k])))
		b = append(b, m.results[k]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// ErrOther is wrapped by every refusal of Decode.
var ErrOther = errors.New("memo: not what this program kept")

// Decode reads what Encode gave. It keeps data.
func Decode(data []byte, program string) (*Memo, error) {
	end := len(data) - sha256.Size
	if end < len(header)+2 || string(data[:len(header)]) != header {
		return nil, fmt.Errorf("%w: it is no memo", ErrOther)
	}
	if sha256.Sum256(data[:end]) != [sha256.Size]byte(data[end:]) {
		return nil, fmt.Errorf("%w: it is not as it was written", ErrOther)
	}
	name, b := int(binary.BigEndian.Uint16(data[len(header):])), data[len(header)+2:end]
	if len(b) < name || string(b[:name]) != program {
		return nil, fmt.Errorf("%w: it is of another program", ErrOther)
	}
	m := New()
	for b = b[name:]; len(b) > 0; {
		const front = sha256.Size + 4
		if len(b) < front || uint64(len(b)-front) < uint64(binary.BigEndian.Uint32(b[sha256.Size:])) {
			return nil, fmt.Errorf("%w: a result ends too early", ErrOther)
		}
		n := front + int(binary.BigEndian.Uint32(b[sha256.Size:]))
		m.results[key(b)] = b[front:n:n]
		b = b[n:]
	}
	return m, nil
}
