package xts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"

	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// ErrEqualHalves refuses a key with K1 = K2.
var ErrEqualHalves = errors.New("xts: the two halves of the key are equal")

// Cipher is an expanded media encryption key. It is safe for concurrent use.
type Cipher struct {
	x          *xts.Cipher
	blocks     []cipher.Block // the two within x
	sectorSize int
}

// New expands a key of 64 bytes, K1 then K2, for sectors of 512 or 4096 bytes.
// The halves are compared in constant time; equal ones give ErrEqualHalves. The
// key is copied into the expanded form: clear it when it is not needed.
func New(key *secret.Key64, sectorSize int) (*Cipher, error) {
	if sectorSize != 512 && sectorSize != 4096 {
		return nil, fmt.Errorf("xts: a sector of %d bytes, need 512 or 4096", sectorSize)
	}
	if subtle.ConstantTimeCompare(key[:32], key[32:]) == 1 {
		return nil, ErrEqualHalves
	}
	c := &Cipher{sectorSize: sectorSize}
	var err error
	c.x, err = xts.NewCipher(func(half []byte) (cipher.Block, error) {
		b, err := aes.NewCipher(half)
		c.blocks = append(c.blocks, b)
		return b, err
	}, key[:])
	if err != nil {
		panic("BUG: xts: a 64-byte key is refused: " + err.Error())
	}
	return c, nil
}

// Clear overwrites the expanded key. The cipher must not be used afterwards; nil
// and a cleared one are cleared already.
func (c *Cipher) Clear() {
	if c == nil {
		return
	}
	for _, b := range c.blocks {
		secret.WipeCipher(b)
	}
	c.blocks, c.x = nil, nil
}

// SectorSize is the length of a sector in bytes.
func (c *Cipher) SectorSize() int { return c.sectorSize }

// Encrypt encrypts one sector. dst and src are one sector long each and are the
// same memory or do not overlap.
func (c *Cipher) Encrypt(dst, src []byte, lba uint64) {
	c.check(dst, src)
	c.x.Encrypt(dst, src, lba)
}

// Decrypt decrypts one sector; the same rules.
func (c *Cipher) Decrypt(dst, src []byte, lba uint64) {
	c.check(dst, src)
	c.x.Decrypt(dst, src, lba)
}

func (c *Cipher) check(dst, src []byte) {
	if len(dst) != c.sectorSize || len(src) != c.sectorSize {
		panic(fmt.Sprintf("BUG: xts: sector buffers of %d and %d bytes, need %d", len(dst), len(src), c.sectorSize))
	}
}
