package leftover

import (
	"errors"
	"fmt"
)

// ErrUnsupported: the memory of a process cannot be read on this system, or is too
// large for it: the race detector maps terabytes.
var ErrUnsupported = errors.New("leftover: the memory of a process can be read on Linux only, and not under the race detector")

// size is how many bytes of a key are looked for.
const size = 16

// mask is what the bytes of a needle are combined with.
const mask = 0xA7

// Needle is a key to look for, by name. It does not hold the key itself.
type Needle struct {
	Name   string
	masked [size]byte
}

// New makes a needle of a key of 16 bytes or more. A shorter one, or one whose bytes
// are all alike, would be found anywhere: it is a bug of the caller, and a panic.
func New(name string, key []byte) *Needle {
	if len(key) < size {
		panic(fmt.Sprintf("BUG: leftover: a key of %d bytes, need %d", len(key), size))
	}
	n := &Needle{Name: name}
	alike := true
	for i := range n.masked {
		alike = alike && key[i] == key[0]
		n.masked[i] = key[i] ^ mask
	}
	if alike {
		panic("BUG: leftover: a key whose bytes are all alike")
	}
	return n
}

// at says whether b, of 16 bytes or more, begins with the key.
func (n *Needle) at(b []byte) bool {
	for i := range n.masked {
		if b[i]^mask != n.masked[i] {
			return false
		}
	}
	return true
}
