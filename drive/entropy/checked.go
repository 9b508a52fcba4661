package entropy

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrRepeats is what every failure of a Checked source wraps: the source gave
// an error, ended, stuck at one value, or gave again what it gave before.
var ErrRepeats = errors.New("entropy: the random source is dead or repeats")

// sampleSize is the unit that is judged, in bytes. A key of 32 or 64 bytes and
// a salt of 16 are whole samples.
const sampleSize = 16

// emptyReadsMax is how often a source may answer "nothing yet" in a row.
const emptyReadsMax = 16

// Checked is r behind a continuous health test. A Read fills p whole or fails
// with ErrRepeats, p cleared; after the first failure every Read fails.
//
// The test is the repetition count test of NIST SP 800-90B section 4.4.1 with
// samples of 16 bytes of full entropy: the cutoff 1+ceil(20/128) is 2, so one
// repeat is one too many. Two things are added for sources that have been met in
// products: a sample of 16 equal bytes fails, and so does a source that runs in
// a cycle (at the latest in its third round; Brent's method, which needs one
// remembered sample only). Samples are remembered as 64 bits of their SHA-256:
// the gate keeps no key.
//
// A read that is not a multiple of 16 bytes leaves a rest which is judged
// together with what is read next. The reader costs about 100 bytes and is not
// safe for concurrent use.
func Checked(r io.Reader) io.Reader { return &checked{r: r, lap: 1} }

type checked struct {
	r      io.Reader
	err    error  // sticky
	last   uint64 // digest of the sample before
	anchor uint64 // digest of the sample that a cycle would come back to
	seen   uint64 // samples since the anchor was dropped
	lap    uint64 // samples until the anchor moves on; doubles; 1 until the first
	rest   [sampleSize]byte
	nrest  uint8
	any    bool // last and anchor are set
}

func (c *checked) Read(p []byte) (int, error) {
	if c.err == nil {
		c.err = c.fill(p)
	}
	if c.err == nil {
		c.err = c.judge(p)
	}
	if c.err != nil {
		clear(p)
		clear(c.rest[:])
		return 0, c.err
	}
	return len(p), nil
}

// fill is io.ReadFull that gives up on a source that never says anything.
func (c *checked) fill(p []byte) error {
	for n, empty := 0, 0; n < len(p); {
		k, err := c.r.Read(p[n:])
		if k < 0 || k > len(p)-n {
			return fmt.Errorf("%w: it claims a read of %d bytes", ErrRepeats, k)
		}
		n += k
		if n == len(p) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %d of %d bytes: %w", ErrRepeats, n, len(p), err)
		}
		if empty++; k > 0 {
			empty = 0
		}
		if empty == emptyReadsMax {
			return fmt.Errorf("%w: %d of %d bytes: %w", ErrRepeats, n, len(p), io.ErrNoProgress)
		}
	}
	return nil
}

func (c *checked) judge(p []byte) error {
	if c.nrest > 0 {
		n := copy(c.rest[c.nrest:], p)
		c.nrest += uint8(n)
		p = p[n:]
		if c.nrest < sampleSize {
			return nil
		}
		err := c.sample(c.rest[:])
		clear(c.rest[:])
		c.nrest = 0
		if err != nil {
			return err
		}
	}
	for ; len(p) >= sampleSize; p = p[sampleSize:] {
		if err := c.sample(p[:sampleSize]); err != nil {
			return err
		}
	}
	c.nrest = uint8(copy(c.rest[:], p))
	return nil
}

func (c *checked) sample(s []byte) error {
	var odd byte
	for _, b := range s {
		odd |= b ^ s[0]
	}
	if odd == 0 {
		return fmt.Errorf("%w: %d equal bytes", ErrRepeats, sampleSize)
	}
	sum := sha256.Sum256(s)
	digest := binary.LittleEndian.Uint64(sum[:])
	if c.any && digest == c.last {
		return fmt.Errorf("%w: the same %d bytes twice", ErrRepeats, sampleSize)
	}
	if c.any && digest == c.anchor {
		return fmt.Errorf("%w: it runs in a cycle of %d bytes", ErrRepeats, (c.seen+1)*sampleSize)
	}
	c.seen++
	if !c.any || c.seen == c.lap {
		c.anchor, c.seen, c.lap, c.any = digest, 0, c.lap*2, true
	}
	c.last = digest
	return nil
}
