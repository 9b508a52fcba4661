package keywrap

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// initial is the value of the integrity register (RFC 3394 section 2.2.3.1).
const initial = 0xA6A6A6A6A6A6A6A6

// KEK is an expanded key-encrypting key, for who opens many wraps with one. The zero value is a
// cleared one, which must not be used. Its methods allocate nothing.
type KEK struct {
	schedule aes256.Schedule
}

// Expand takes a key of 32 bytes, which is not kept.
func (k *KEK) Expand(kek *[32]byte) { k.ExpandOn(aes256.Chosen(), kek) }

// ExpandOn is Expand on a path that is one of aes256.Paths.
func (k *KEK) ExpandOn(path aes256.Path, kek *[32]byte) { k.schedule.Expand(kek, path) }

// expand takes a key of 16, 24 or 32 bytes. Assembly is for 32.
func (k *KEK) expand(kek []byte, path aes256.Path) error {
	if len(kek) == 32 {
		k.schedule.Expand((*[32]byte)(kek), path)
		return nil
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return fmt.Errorf("keywrap: a key-encrypting key of %d bytes, need 16, 24 or 32", len(kek))
	}
	k.schedule = aes256.Schedule{Path: aes256.Generic, Block: block}
	return nil
}

// Clear overwrites the round keys.
func (k *KEK) Clear() { k.schedule.Clear() }

// Wrap makes the wrap of the key buffer[8:] in place. The length of the buffer is 24 to 4104 bytes,
// in steps of 8.
func (k *KEK) Wrap(buffer []byte) {
	if !fits(len(buffer) - Overhead) {
		panic(fmt.Sprintf("BUG: keywrap: a buffer of %d bytes", len(buffer)))
	}
	binary.BigEndian.PutUint64(buffer, initial)
	n := len(buffer)/8 - 1
	if k.schedule.Path != aes256.Generic {
		wrap(&k.schedule.Enc, &buffer[0], n)
		return
	}
	t := uint64(0)
	for range 6 {
		for at := 0; at < len(buffer)-8; at += 8 { // A stands before the semiblock whose turn it is
			k.schedule.Block.Encrypt(buffer[at:at+16], buffer[at:at+16])
			t++
			swap(buffer[at:], 0, t)
		}
		a := binary.BigEndian.Uint64(buffer[8*n:])
		copy(buffer[8:], buffer[:8*n])
		binary.BigEndian.PutUint64(buffer, a)
	}
}

// Open unwraps in place: the key is wrapped[8:], if it says that the integrity register is what it
// has to be. What does not open is cleared. The length of a wrap is 24 to 4104 bytes, in steps of 8.
func (k *KEK) Open(wrapped []byte) (opened bool) {
	k.open(wrapped)
	return check(wrapped, false)
}

// OpenEither is Open of a wrap that may also be one with padding (KWP, RFC 5649) of a key that needs
// none, since its length is a multiple of 8 bytes.
func (k *KEK) OpenEither(wrapped []byte) (opened bool) {
	k.open(wrapped)
	return check(wrapped, true)
}

func (k *KEK) open(wrapped []byte) {
	if !fits(len(wrapped) - Overhead) {
		panic(fmt.Sprintf("BUG: keywrap: a wrap of %d bytes", len(wrapped)))
	}
	if k.schedule.Path != aes256.Generic {
		unwrap(&k.schedule.Dec, &wrapped[0], len(wrapped)/8-1)
	} else {
		k.backwards(wrapped, len(wrapped))
	}
}

// backwards undoes Wrap, without assembly, of wraps of size bytes that lie one after the other. All
// do a step before the next: a wrap waits for each of its blocks, and the processor goes on with
// the blocks of the others meanwhile.
func (k *KEK) backwards(wraps []byte, size int) {
	n := size/8 - 1
	for t := uint64(6 * n); t > 0; {
		for i := 0; i < len(wraps); i += size {
			one := wraps[i : i+size]
			a := binary.BigEndian.Uint64(one)
			copy(one, one[8:8*n])
			binary.BigEndian.PutUint64(one[8*(n-1):], a^t)
		}
		for at := 8 * (n - 1); ; at -= 8 {
			for i := at; i < len(wraps); i += size {
				k.schedule.Block.Decrypt(wraps[i:i+16], wraps[i:i+16])
			}
			t--
			if at == 0 {
				break
			}
			for i := at - 8; i < len(wraps); i += size {
				swap(wraps[i:], t, 0)
			}
		}
	}
}

// swap lets the two semiblocks at the head of b change places, each with its count.
func swap(b []byte, second, first uint64) {
	x, y := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	binary.BigEndian.PutUint64(b, y^second)
	binary.BigEndian.PutUint64(b[8:], x^first)
}

// Eight is how many wraps OpenEight opens at once.
const Eight = 8

// OpenEight is OpenEither of eight wraps of one length that lie one after the other. Bit i of the answer
// is for the i-th.
func (k *KEK) OpenEight(wraps []byte) (opened uint8) {
	size := len(wraps) / Eight
	if len(wraps)%Eight != 0 || !fits(size-Overhead) {
		panic(fmt.Sprintf("BUG: keywrap: eight wraps of %d bytes", len(wraps)))
	}
	if k.schedule.Path != aes256.Generic {
		unwrapEight(&k.schedule.Dec, &wraps[0], size/8-1)
	} else {
		k.backwards(wraps, size)
	}
	for i := range Eight {
		if check(wraps[i*size:(i+1)*size], true) {
			opened |= 1 << i
		}
	}
	return opened
}

// initialPadded is the integrity register of a wrap with padding, with the length of the key to be
// added (RFC 5649 section 3).
const initialPadded = 0xA65959A6_00000000

// check looks at the integrity register, in constant time, and clears what does not open.
func check(b []byte, either bool) bool {
	is := binary.BigEndian.Uint64(b)
	good := same(is, initial)
	if either {
		good |= same(is, initialPadded|uint64(len(b)-Overhead))
	}
	if good != 1 {
		clear(b)
		return false
	}
	return true
}

func same(a, b uint64) int {
	d := a ^ b
	return subtle.ConstantTimeEq(int32(d>>32)|int32(d), 0)
}
