package xts

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"unsafe"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// ErrEqualHalves refuses a key with K1 = K2.
var ErrEqualHalves = errors.New("xts: the two halves of the key are equal")

const (
	blockSize = 16
	maxSector = 4096
)

// Cipher is an expanded media encryption key. It is safe for concurrent use.
type Cipher struct {
	data, tweak aes256.Schedule // of K1 and K2
	sectorSize  int
}

// New expands a key of 64 bytes, K1 then K2, for sectors of 512 or 4096 bytes, to be run on the
// path that the process has chosen. The halves are compared in constant time; equal ones give
// ErrEqualHalves (IEEE 1619, and FIPS 140-3 implementation guidance C.I). The key is copied into the
// expanded form: clear it when it is not needed.
func New(key *secret.Key64, sectorSize int) (*Cipher, error) {
	return NewOn(aes256.Chosen(), key, sectorSize)
}

// NewOn is New on a path that is one of aes256.Paths.
func NewOn(path aes256.Path, key *secret.Key64, sectorSize int) (*Cipher, error) {
	if sectorSize != 512 && sectorSize != maxSector {
		return nil, fmt.Errorf("xts: a sector of %d bytes, need 512 or 4096", sectorSize)
	}
	if subtle.ConstantTimeCompare(key[:32], key[32:]) == 1 {
		return nil, ErrEqualHalves
	}
	c := &Cipher{sectorSize: sectorSize}
	c.data.Expand((*[32]byte)(key[:32]), path)
	c.tweak.Expand((*[32]byte)(key[32:]), path)
	return c, nil
}

// Clear overwrites the round keys. The cipher must not be used afterwards; nil
// and a cleared one are cleared already.
func (c *Cipher) Clear() {
	if c == nil {
		return
	}
	c.data.Clear()
	c.tweak.Clear()
	c.sectorSize = 0
}

// SectorSize is the length of a sector in bytes; 0 of a cleared cipher.
func (c *Cipher) SectorSize() int { return c.sectorSize }

// Encrypt encrypts one sector. dst and src are one sector long each and are the
// same memory or do not overlap.
func (c *Cipher) Encrypt(dst, src []byte, lba uint64) {
	c.check(dst, src)
	switch c.data.Path {
	case aes256.VAES:
		encryptVAES(&c.data.Enc, &c.tweak.Enc, lba, &dst[0], &src[0], len(src)/blockSize)
	case aes256.AESNI:
		encryptAESNI(&c.data.Enc, &c.tweak.Enc, lba, &dst[0], &src[0], len(src)/blockSize)
	default:
		c.passes(c.data.Block, false, dst, src, lba)
	}
}

// Decrypt decrypts one sector; the same rules.
func (c *Cipher) Decrypt(dst, src []byte, lba uint64) {
	c.check(dst, src)
	switch c.data.Path {
	case aes256.VAES:
		decryptVAES(&c.data.Dec, &c.tweak.Enc, lba, &dst[0], &src[0], len(src)/blockSize)
	case aes256.AESNI:
		decryptAESNI(&c.data.Dec, &c.tweak.Enc, lba, &dst[0], &src[0], len(src)/blockSize)
	default:
		c.passes(c.data.Block, true, dst, src, lba)
	}
}

func (c *Cipher) check(dst, src []byte) {
	if c.sectorSize == 0 {
		panic("BUG: xts: a cipher is used after Clear")
	}
	if len(dst) != c.sectorSize || len(src) != c.sectorSize {
		panic(fmt.Sprintf("BUG: xts: sector buffers of %d and %d bytes, need %d", len(dst), len(src), c.sectorSize))
	}
	from, to := uintptr(unsafe.Pointer(&src[0])), uintptr(unsafe.Pointer(&dst[0]))
	if from != to && from < to+uintptr(len(dst)) && to < from+uintptr(len(src)) {
		panic("BUG: xts: sector buffers overlap")
	}
}
