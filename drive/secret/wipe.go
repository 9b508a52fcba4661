package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"reflect"
	"unsafe"

	"github.com/seed-9d983aeb/fdelab/drive/internal/watch"
)

// WipeCipher overwrites the key schedule of a cipher.Block or cipher.AEAD that is
// not used any more: the first words of one of AES are the key itself, and the
// standard library has no way to clear them. It says whether it could: what holds
// pointers, as hardware or a library of another kind may, is left as it is.
func WipeCipher(c any) bool {
	v := reflect.ValueOf(c)
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem()) {
		return false
	}
	clear(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
	return true
}

// flat says whether a value of type t is all in one place.
func flat(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Array:
		return flat(t.Elem())
	case k == reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 && k != reflect.Uintptr
	}
}

// Derive32 is HKDF-SHA256 (RFC 5869) with an output of 32 bytes. Package crypto/hkdf
// gives the same; it leaves the output and the last bytes of ikm in its buffers,
// which this one clears.
func Derive32(ikm, salt []byte, info string) *Key32 {
	burn()       // so that the stack is large enough now: one that grows leaves a copy
	defer burn() // the hash returns arrays by value
	var none [sha256.Size]byte
	if len(salt) == 0 {
		salt = none[:] // RFC 5869 section 2.2
	}
	watch.Made(ikm)
	var prk Key32
	mac(&prk, salt, ikm)
	defer prk.Clear()
	var room [messageRoom]byte
	out := new(Key32)
	mac(out, prk[:], append(append(room[:0], info...), 1)) // section 2.3: one block is T(1)
	return out
}

// burnt is how much of the stack below its caller burn overwrites, in bytes: more
// than the frames of the hash functions take.
const burnt = 4096

// burn overwrites what earlier calls have left on the stack.
//
//go:noinline
func burn() {
	var b [burnt]byte
	touch(&b)
}

// touch keeps the compiler from leaving the array out.
//
//go:noinline
func touch(b *[burnt]byte) { clear(b[:]) }

// mac writes HMAC-SHA256 (RFC 2104) into out. It works on the stack: crypto/hmac allocates, and
// leaves the key and the end of the message in its hashes.
func mac(out *Key32, key, message []byte) {
	var short Key32
	if len(key) > sha256.BlockSize {
		short = sha256.Sum256(key)
		key = short[:]
	}
	var inner [sha256.BlockSize + messageRoom]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5C
	}
	subtle.XORBytes(inner[:], inner[:len(key)], key)
	subtle.XORBytes(outer[:], outer[:len(key)], key)
	in := append(inner[:sha256.BlockSize], message...)
	*(*[sha256.Size]byte)(outer[sha256.BlockSize:]) = sha256.Sum256(in)
	*out = sha256.Sum256(outer[:])
	clear(in)
	clear(inner[:])
	clear(outer[:])
	short.Clear()
	watch.Made(out[:])
}

// messageRoom is the length of a message for which mac allocates nothing.
const messageRoom = 192
