package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive/internal/watch"
)

// Derive32 is HKDF-SHA256 (RFC 5869) with an output of 32 bytes. Package crypto/hkdf
// gives the same; it leaves the output and the last bytes of ikm in its buffers,
// which this one clears.
func Derive32(ikm, salt []byte, info string) *Key32 {
	burn() // so that the stack is large enough now: one that grows leaves a copy
	out := new(Key32)
	d := derivers.Get().(*Deriver)
	d.Derive32(out, ikm, salt, info)
	d.Clear()
	derivers.Put(d)
	return out
}

// derivers lends cleared ones.
var derivers = sync.Pool{New: func() any { return new(Deriver) }}

// Deriver derives many keys, one after the other. It allocates nothing for a key, and what a
// derivation leaves in it and on the stack stays until Clear. The zero value is ready.
type Deriver struct {
	prk   Key32
	inner [sha256.BlockSize + messageRoom]byte
	outer [sha256.BlockSize + sha256.Size]byte
}

// Format redacts the Deriver under every verb.
func (d *Deriver) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// Derive32 writes over out what the function of that name gives.
func (d *Deriver) Derive32(out *Key32, ikm, salt []byte, info string) {
	watch.Made(ikm)
	var none [sha256.Size]byte
	if len(salt) == 0 {
		salt = none[:] // RFC 5869 section 2.2
	}
	d.mac(&d.prk, salt, ikm)
	var room [messageRoom]byte
	d.mac(out, d.prk[:], append(append(room[:0], info...), 1)) // section 2.3: one block is T(1)
}

// Clear overwrites what the derivations left in the Deriver and on the stack. Call it from where the
// keys were derived, or nearer to main. Called before the first derivation, it makes the stack large
// enough: one that grows leaves a copy.
func (d *Deriver) Clear() {
	clear(d.prk[:])
	clear(d.inner[:])
	clear(d.outer[:])
	burn() // the hash returns arrays by value
}

// messageRoom is the length of a message for which mac allocates nothing.
const messageRoom = 192

// mac writes HMAC-SHA256 (RFC 2104) into out. crypto/hmac allocates, and leaves the key and the end
// of the message in its hashes.
func (d *Deriver) mac(out *Key32, key, message []byte) {
	if len(key) > sha256.BlockSize {
		*out = sha256.Sum256(key)
		key = out[:]
	}
	clear(d.inner[:sha256.BlockSize])
	clear(d.outer[:sha256.BlockSize])
	copy(d.inner[:], key)
	copy(d.outer[:], key)
	subtle.XORBytes(d.inner[:], d.inner[:sha256.BlockSize], innerPad[:])
	subtle.XORBytes(d.outer[:], d.outer[:sha256.BlockSize], outerPad[:])
	in := append(d.inner[:sha256.BlockSize], message...)
	*(*[sha256.Size]byte)(d.outer[sha256.BlockSize:]) = sha256.Sum256(in)
	if len(message) > messageRoom {
		clear(in) // it is elsewhere
	}
	*out = sha256.Sum256(d.outer[:])
	watch.Made(out[:])
}

// The pads of RFC 2104.
var innerPad, outerPad = pad(0x36), pad(0x5C)

func pad(c byte) (p [sha256.BlockSize]byte) {
	for i := range p {
		p[i] = c
	}
	return p
}
