package forensic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Prints recognise pieces of flash content without holding them: each is 64 bits
// of the SHA-256 of a 16-byte window. They may be kept in a journal.
type Prints []uint64

const (
	printSize        = 16
	printDistinctMin = 13 // of 16 bytes; random ones have fewer about once in 700
)

// PrintsOfWraps are the prints of the wraps that lead to the findings, each
// step of their paths that is a place in the dump, in windows at multiples of 8
// bytes.
func PrintsOfWraps(dump drive.Dump, findings []Finding) Prints {
	pages := map[[2]int][]byte{}
	for _, p := range dump.Flash {
		pages[[2]int{p.Block, p.Page}] = p.Data
	}
	c := collector{}
	for _, f := range findings {
		for _, s := range f.Path {
			data := pages[[2]int{s.Block, s.Page}]
			if s.Offset+s.Size <= len(data) { // a step that is no place has no size
				c.add(data[s.Offset : s.Offset+s.Size])
			}
		}
	}
	return c.prints
}

// PrintsOfAll are the prints of everything in the dump that looks like key
// material.
func PrintsOfAll(dump drive.Dump) Prints {
	c := collector{}
	for _, p := range dump.Flash {
		c.add(p.Data)
	}
	return c.prints
}

type collector struct {
	seen   map[uint64]bool
	prints Prints
}

func (c *collector) add(b []byte) {
	if c.seen == nil {
		c.seen = map[uint64]bool{}
	}
	for off := 0; off+printSize <= len(b); off += 8 {
		if w := b[off : off+printSize]; telling(w) {
			if id := printOf(w); !c.seen[id] {
				c.seen[id] = true
				c.prints = append(c.prints, id)
			}
		}
	}
}

// telling says whether a window looks like key material: many different values,
// and not text.
func telling(w []byte) bool {
	var l look
	for _, c := range w {
		l.add(c)
	}
	return l.telling()
}

// look is what telling has to know of a window.
type look struct {
	count    [256]uint8 // of each value
	distinct int
	other    int // bytes that are not printable
}

func (l *look) add(c byte) {
	if l.count[c]++; l.count[c] == 1 {
		l.distinct++
	}
	if c < ' ' || c > '~' {
		l.other++
	}
}

func (l *look) remove(c byte) {
	if l.count[c]--; l.count[c] == 0 {
		l.distinct--
	}
	if c < ' ' || c > '~' {
		l.other--
	}
}

func (l *look) telling() bool { return l.other > 0 && l.distinct >= printDistinctMin }

func printOf(w []byte) uint64 {
	h := sha256.Sum256(w)
	return binary.BigEndian.Uint64(h[:])
}

// Remains lists where a piece that the prints recognise still lies in the dump,
// at any byte offset: the first place of each page.
func Remains(dump drive.Dump, prints Prints) []Step {
	known := make(map[uint64]bool, len(prints))
	for _, id := range prints {
		known[id] = true
	}
	var left []Step
	for _, p := range dump.Flash {
		if off, ok := remains(p.Data, known); ok {
			left = append(left, Step{Name: "old key material", Placed: true, Block: p.Block, Page: p.Page, Offset: off, Size: printSize})
		}
	}
	return left
}

// remains is where the first piece lies in a page that is known.
func remains(data []byte, known map[uint64]bool) (off int, ok bool) {
	end := len(data)
	for end > 0 && data[end-1] == data[len(data)-1] {
		end--
	}
	end = min(len(data), end+printSize) // behind that all bytes are the same
	var l look
	for i := range end {
		l.add(data[i])
		off = i + 1 - printSize
		if off < 0 {
			continue
		}
		if l.telling() && known[printOf(data[off:i+1])] {
			return off, true
		}
		l.remove(data[off])
	}
	return 0, false
}

// MarshalText encodes the prints in base64, 8 bytes each, big-endian.
func (p Prints) MarshalText() ([]byte, error) {
	var b []byte
	for _, id := range p {
		b = binary.BigEndian.AppendUint64(b, id)
	}
	return []byte(base64.StdEncoding.EncodeToString(b)), nil
}

// UnmarshalText decodes what MarshalText wrote.
func (p *Prints) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(b)%8 != 0 {
		return errors.New("forensic: prints are not base64 of 8 bytes each")
	}
	*p = nil
	for ; len(b) > 0; b = b[8:] {
		*p = append(*p, binary.BigEndian.Uint64(b))
	}
	return nil
}
