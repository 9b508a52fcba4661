package tct

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// The layout of an object in the cloud, integers big endian.
const (
	magic      = "FDTO"
	version    = 1
	idAt       = 5
	wrapAt     = idAt + 16
	sizeAt     = wrapAt + 40
	nonceAt    = sizeAt + 8
	headerSize = nonceAt + 12
	tagSize    = 16
)

// SizeMax is the largest object, in bytes of plaintext.
const SizeMax = 1 << 30

// Overhead is how many bytes encryption adds to an object.
const Overhead = headerSize + tagSize

// ErrTampered means that the cloud returned something other than what was sent there.
var ErrTampered = errors.New("tct: the object is not the one that was sent to the cloud")

// Receipt is what a facility keeps of an object in the cloud. It holds no secret.
type Receipt struct {
	Name string
	Size int64    // bytes of plaintext
	ID   [16]byte // of this version
}

// encrypt makes what goes to the cloud.
func encrypt(g *encgroup.Group, name string, plain []byte, entropy io.Reader) ([]byte, Receipt, error) {
	if len(plain) > SizeMax {
		return nil, Receipt{}, fmt.Errorf("tct: an object of %d bytes, at most %d", len(plain), SizeMax)
	}
	var key secret.Key32
	defer key.Clear()
	out := make([]byte, headerSize, headerSize+len(plain)+tagSize)
	copy(out, magic)
	out[4] = version
	for _, p := range [][]byte{key[:], out[idAt:wrapAt], out[nonceAt:headerSize]} {
		if _, err := io.ReadFull(entropy, p); err != nil {
			return nil, Receipt{}, fmt.Errorf("tct: no object key: %w", err)
		}
	}
	wrapped, err := g.WrapObjectKey(&key)
	if err != nil {
		return nil, Receipt{}, err
	}
	copy(out[wrapAt:], wrapped[:])
	binary.BigEndian.PutUint64(out[sizeAt:], uint64(len(plain)))
	aead := newGCM(&key)
	defer secret.WipeCipher(aead)
	out = aead.Seal(out, out[nonceAt:headerSize], plain, associated(out, name))
	return out, Receipt{name, int64(len(plain)), [16]byte(out[idAt:])}, nil
}

// decrypt gives the plaintext of the version that the receipt is for.
func decrypt(g *encgroup.Group, r Receipt, b []byte) ([]byte, error) {
	if len(b) < Overhead || string(b[:4]) != magic || b[4] != version {
		return nil, fmt.Errorf("%w: it does not begin like one", ErrTampered)
	}
	if size := binary.BigEndian.Uint64(b[sizeAt:]); size != uint64(len(b)-Overhead) || size != uint64(r.Size) {
		return nil, fmt.Errorf("%w: it has another size", ErrTampered)
	}
	if [16]byte(b[idAt:]) != r.ID {
		return nil, fmt.Errorf("%w: it is another object or another version", ErrTampered)
	}
	key, err := g.UnwrapObjectKey([40]byte(b[wrapAt:]))
	if errors.Is(err, encgroup.ErrUnwrap) {
		return nil, fmt.Errorf("%w: its key does not unwrap: %w", ErrTampered, err)
	}
	if err != nil {
		return nil, err
	}
	defer key.Clear()
	aead := newGCM(key)
	defer secret.WipeCipher(aead)
	plain, err := aead.Open(nil, b[nonceAt:headerSize], b[headerSize:], associated(b, r.Name))
	if err != nil {
		return nil, fmt.Errorf("%w: its tag does not match", ErrTampered)
	}
	return plain, nil
}

// associated is the header and the name.
func associated(b []byte, name string) []byte {
	return append(append(make([]byte, 0, headerSize+len(name)), b[:headerSize]...), name...)
}

// newGCM makes a cipher, which the caller wipes.
func newGCM(key *secret.Key32) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("BUG: tct: " + err.Error())
	}
	defer secret.WipeCipher(block) // GCM has a copy of its own
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("BUG: tct: " + err.Error())
	}
	return aead
}
