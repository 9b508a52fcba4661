package xts

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// chunk is how much of a sector the path without assembly does at once: a whole number of them is a
// sector of either size.
const chunk = 512

// passes is the path without assembly (IEEE 1619 section 5.3.2): whole passes over a chunk, since
// the cipher of one block would wait for the words that were just stored for it. crypt is called
// through the interface, for a method value costs a second call.
func (c *Cipher) passes(block cipher.Block, decrypt bool, dst, src []byte, lba uint64) {
	low, high := c.firstTweak(dst, src, lba)
	var tweaks [chunk]byte
	for len(src) >= chunk {
		to := dst[:chunk]
		low, high = whiten(&tweaks, (*[chunk]byte)(to), (*[chunk]byte)(src), low, high)
		if decrypt {
			for i := 0; i < chunk; i += blockSize {
				block.Decrypt(to[i:i+blockSize], to[i:i+blockSize])
			}
		} else {
			for i := 0; i < chunk; i += blockSize {
				block.Encrypt(to[i:i+blockSize], to[i:i+blockSize])
			}
		}
		subtle.XORBytes(to, to, tweaks[:])
		dst, src = dst[chunk:], src[chunk:]
	}
}

// firstTweak is the encrypted sector number. It is made in dst, for what goes through cipher.Block
// goes to the heap; src may be dst, so its first block is put back.
func (c *Cipher) firstTweak(dst, src []byte, lba uint64) (low, high uint64) {
	first := [blockSize]byte(src)
	clear(dst[:blockSize])
	binary.LittleEndian.PutUint64(dst, lba)
	c.tweak.Block.Encrypt(dst[:blockSize], dst[:blockSize])
	low, high = binary.LittleEndian.Uint64(dst), binary.LittleEndian.Uint64(dst[8:])
	if &dst[0] == &src[0] {
		copy(dst, first[:])
	}
	return low, high
}

// whiten writes the tweak of each block and the sum of tweak and source, and returns the tweak of
// the block after the chunk.
func whiten(tweaks, dst, src *[chunk]byte, low, high uint64) (nextLow, nextHigh uint64) {
	for i := 0; i < chunk; i += blockSize {
		tweak, to, from := (*[blockSize]byte)(tweaks[i:]), (*[blockSize]byte)(dst[i:]), (*[blockSize]byte)(src[i:])
		binary.LittleEndian.PutUint64(tweak[:8], low)
		binary.LittleEndian.PutUint64(tweak[8:], high)
		x, y := binary.LittleEndian.Uint64(from[:8])^low, binary.LittleEndian.Uint64(from[8:])^high
		binary.LittleEndian.PutUint64(to[:8], x)
		binary.LittleEndian.PutUint64(to[8:], y)
		carry := uint64(int64(high)>>63) & polynomial // a mask: no multiplication in the chain
		high = high<<1 | low>>63
		low = low<<1 ^ carry
	}
	return low, high
}

// polynomial is x^128 = x^7 + x^2 + x + 1 (IEEE 1619 section 5.2).
const polynomial = 0x87
