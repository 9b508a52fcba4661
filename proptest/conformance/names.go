package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Name names a PIN, so that commands and traces hold no secret:
//
//	msid, psid    those of the device
//	empty, zero   no bytes at all; 32 bytes of zero
//	p1, p2, ...   the suite's own: those of p2, p6, p10, ... are eight letters, the others 32 bytes
//	p1/cut        a PIN that almost fits: see twists
type Name string

// twists make a PIN that almost fits.
var twists = map[string]func([]byte) []byte{
	"cut":   func(b []byte) []byte { return b[:len(b)-1] },
	"half":  func(b []byte) []byte { return b[:(len(b)+1)/2] },
	"last":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	"first": func(b []byte) []byte { b[0] ^= 0x80; return b },
	"high":  func(b []byte) []byte { b[len(b)/2] ^= 0x80; return b },
	"case": func(b []byte) []byte {
		for i, c := range b {
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				b[i] ^= 0x20
			}
		}
		return b
	},
	"pad0":  func(b []byte) []byte { return append(b, 0) },
	"padsp": func(b []byte) []byte { return append(b, ' ') },
	"padff": func(b []byte) []byte { return append(b, 0xFF) },
	"fill0": func(b []byte) []byte { return append(b, make([]byte, drive.PINSize-len(b))...) },
	"back":  func(b []byte) []byte { out := bytes.Clone(b); reverse(out); return out },
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

// twistNames are theirs, in a fixed order.
var twistNames = slices.Sorted(maps.Keys(twists))

// own is the n-th PIN of the suite.
func own(n int) Name { return Name(fmt.Sprintf("p%d", n)) }

// short says whether a PIN is shorter than a credential.
func (n Name) short() bool {
	i, err := strconv.Atoi(strings.TrimPrefix(string(n), "p"))
	return err == nil && i%4 == 2
}

// check refuses what is no name.
func (n Name) check() error {
	base, twist, twisted := strings.Cut(string(n), "/")
	if _, known := twists[twist]; twisted && !known {
		return fmt.Errorf("no such change of a PIN: %q", twist)
	}
	switch base {
	case "msid", "psid", "empty", "zero":
		return nil
	}
	if i, err := strconv.Atoi(strings.TrimPrefix(base, "p")); err != nil || !strings.HasPrefix(base, "p") || i < 1 {
		return fmt.Errorf("no PIN %q, want msid, psid, empty, zero or p1, p2, and so on", n)
	}
	return nil
}

// bytes of a PIN; nil for the empty one.
func (n Name) bytes(label drive.Label) []byte {
	base, twist, _ := strings.Cut(string(n), "/")
	var b []byte
	switch base {
	case "msid":
		b = label.MSID.Bytes()
	case "psid":
		b = label.PSID.Bytes()
	case "empty":
		return nil
	case "zero":
		b = make([]byte, drive.PINSize)
	default:
		sum := sha256.Sum256([]byte("fdelab conformance " + base))
		if b = sum[:]; Name(base).short() {
			for i, c := range b[:8] {
				b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB"[c&63]
			}
			b[0] = 'K' // at least one letter
			b = b[:8]
		}
	}
	if f := twists[twist]; f != nil {
		b = f(b)
	}
	return b[:min(len(b), drive.PINSize)]
}

// pin makes the PIN that a name stands for.
func (n Name) pin(label drive.Label) drive.PIN {
	b := n.bytes(label)
	if len(b) == 0 {
		return drive.PIN{}
	}
	p, err := drive.NewPIN(b)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

// fill makes the content of a sector. It differs for each number and each sector, and does not look
// like noise. Number 0 is zeros everywhere.
func fill(dst []byte, content uint32, lba uint64) {
	if content == 0 {
		clear(dst)
		return
	}
	text := fmt.Sprintf("sector %d holds %d. ", lba, content)
	n := copy(dst, text)
	for n < len(dst) {
		n += copy(dst[n:], dst[:n])
	}
}
