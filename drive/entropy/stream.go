package entropy

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// domain separates these keys from everything else that is hashed from a seed.
const domain = "fdelab entropy stream, version 1\x00"

// Stream is the random stream of one component: ChaCha8 under the key
// SHA-256(domain, seed as 8 bytes big endian, component). It never fails and is
// not safe for concurrent use.
func Stream(seed uint64, component string) io.Reader {
	b := make([]byte, 0, len(domain)+8+len(component))
	b = append(b, domain...)
	b = binary.BigEndian.AppendUint64(b, seed)
	b = append(b, component...)
	return newReader(rand.NewChaCha8(sha256.Sum256(b)))
}

func newReader(c *rand.ChaCha8) reader { return reader{func() *rand.ChaCha8 { return c }} }

// reader hides the state of a stream in a closure: fmt prints the fields of
// whatever holds one, and every key to come follows from the state.
type reader struct{ state func() *rand.ChaCha8 }

func (r reader) Read(p []byte) (int, error) { return r.state().Read(p) }
