package forensic

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// Oracle is a known plaintext and its ciphertext: the beginning of one sector,
// 16 bytes or more in steps of 16. It tells whether a key is the sector's media
// encryption key. 32 bytes or more also exclude the one key in 2^128 that fits
// the first block by chance.
type Oracle struct {
	Name       string // in findings, such as "LBA 17"
	SectorSize int    // bytes, 512 or 4096
	LBA        uint64 // the tweak of AES-XTS (IEEE 1619-2018 section 5.1)
	Plain      []byte
	Cipher     []byte
	// Generation counts the keys of the sector's range, for Repeats: no two generations may have one key.
	Generation int
}

func (o *Oracle) check() error {
	switch n := len(o.Plain); {
	case o.SectorSize != 512 && o.SectorSize != 4096:
		return fmt.Errorf("forensic: oracle %q has a sector size of %d bytes, need 512 or 4096", o.Name, o.SectorSize)
	case n != len(o.Cipher):
		return fmt.Errorf("forensic: oracle %q has %d bytes of plaintext and %d of ciphertext, need as many of both", o.Name, n, len(o.Cipher))
	case n < 16 || n%16 != 0 || n > o.SectorSize:
		return fmt.Errorf("forensic: oracle %q has %d bytes, need a multiple of 16 from 16 to the sector size", o.Name, n)
	}
	return nil
}

// tweak is the first tweak block under the expanded K2.
func (o *Oracle) tweak(k2 *aes256.Schedule, dst *[16]byte) {
	*dst = [16]byte{}
	binary.LittleEndian.PutUint64(dst[:], o.LBA)
	k2.Encrypt(dst, dst)
}

// fits says whether the expanded K1 turns the plaintext into the ciphertext
// under the given first tweak. It reads the first block, and the others only if
// that one fits. b is room for a block.
func (o *Oracle) fits(k1 *aes256.Schedule, first, b *[16]byte) bool {
	tweak := *first
	for at := 0; at < len(o.Plain); at += 16 {
		xor(b, (*[16]byte)(o.Plain[at:]), &tweak)
		k1.Encrypt(b, b)
		xor(b, b, &tweak)
		if *b != [16]byte(o.Cipher[at:at+16]) {
			return false
		}
		double(&tweak)
	}
	return true
}

func xor(dst, a, b *[16]byte) {
	le := binary.LittleEndian
	le.PutUint64(dst[:], le.Uint64(a[:])^le.Uint64(b[:]))
	le.PutUint64(dst[8:], le.Uint64(a[8:])^le.Uint64(b[8:]))
}

// double multiplies a tweak by the primitive element (IEEE 1619-2018 section
// 5.2): little-endian, x^128 + x^7 + x^2 + x + 1.
func double(t *[16]byte) {
	lo, hi := binary.LittleEndian.Uint64(t[:8]), binary.LittleEndian.Uint64(t[8:])
	carry := hi >> 63
	hi = hi<<1 | lo>>63
	lo = lo<<1 ^ carry*0x87
	binary.LittleEndian.PutUint64(t[:8], lo)
	binary.LittleEndian.PutUint64(t[8:], hi)
}

// opensWith says whether the 64-byte key, or the same with its halves swapped,
// opens the oracle.
func (o *Oracle) opensWith(key []byte) (ok, swapped bool) {
	var a, b aes256.Schedule
	expand(&a, key[:32])
	expand(&b, key[32:64])
	defer a.Clear()
	defer b.Clear()
	var t, room [16]byte
	if o.tweak(&b, &t); o.fits(&a, &t, &room) {
		return true, false
	}
	o.tweak(&a, &t)
	return o.fits(&b, &t, &room), true
}

// expand makes the key schedule of 32 bytes, for encryption.
func expand(s *aes256.Schedule, key []byte) {
	s.ExpandEncrypt((*[32]byte)(key), aes256.Chosen())
}
