package xts

import (
	"crypto/subtle"
	"encoding/binary"
)

// passes is the path without assembly, in three passes over the sector: tweak, cipher, tweak
// (IEEE 1619 section 5.3.2). Whole passes let crypto/subtle work on wide words.
func (c *Cipher) passes(block func(dst, src []byte), dst, src []byte, lba uint64) {
	var room [maxSector]byte
	tweaks := room[:len(src)]
	c.tweaks(tweaks, dst, src, lba)
	subtle.XORBytes(dst, src, tweaks)
	for i := 0; i < len(dst); i += blockSize {
		block(dst[i:i+blockSize], dst[i:i+blockSize])
	}
	subtle.XORBytes(dst, dst, tweaks)
}

// tweaks writes the tweak of each block. The first is the encrypted sector number. It is made in
// dst, for what goes through cipher.Block goes to the heap; src may be dst, so its first block is
// put back.
func (c *Cipher) tweaks(tweaks, dst, src []byte, lba uint64) {
	first := [blockSize]byte(src)
	clear(dst[:blockSize])
	binary.LittleEndian.PutUint64(dst, lba)
	c.tweak.Block.Encrypt(dst[:blockSize], dst[:blockSize])
	low, high := binary.LittleEndian.Uint64(dst), binary.LittleEndian.Uint64(dst[8:])
	if &dst[0] == &src[0] {
		copy(dst, first[:])
	}
	for i := 0; i < len(tweaks); i += blockSize {
		binary.LittleEndian.PutUint64(tweaks[i:], low)
		binary.LittleEndian.PutUint64(tweaks[i+8:], high)
		carry := high >> 63
		high = high<<1 | low>>63
		low = low<<1 ^ carry*polynomial
	}
}

// polynomial is x^128 = x^7 + x^2 + x + 1 (IEEE 1619 section 5.2).
const polynomial = 0x87
