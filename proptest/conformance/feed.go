package conformance

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// feedMax is how many bytes a feed may name, and streamSize how many bytes a stream gives before it
// fails: a device draws far fewer for any command.
const (
	feedMax    = 1 << 20
	streamSize = 1 << 16
)

// feed makes the random source that a word names: nil is the device's own.
func feed(text string) (*Entropy, error) {
	kind, number, numbered := strings.Cut(text, "=")
	n := 0
	if numbered {
		v, err := strconv.ParseUint(number, 10, 31)
		if err != nil || v > feedMax {
			return nil, fmt.Errorf("%q is no number up to %d", number, feedMax)
		}
		n = int(v)
	}
	stream := func(of string, size int) []byte {
		b := make([]byte, size)
		if _, err := io.ReadFull(entropy.Stream(uint64(n), "conformance "+of), b); err != nil {
			panic("BUG: " + err.Error()) // a stream never fails
		}
		return b
	}
	switch {
	case text == "own":
		return nil, nil
	case text == "dead":
		return &Entropy{}, nil
	case text == "zeros":
		return &Entropy{Bytes: []byte{0}, Repeat: true}, nil
	case text == "ones":
		return &Entropy{Bytes: []byte{0xFF}, Repeat: true}, nil
	case text == "stuck":
		return &Entropy{Bytes: []byte{0xA5}, Repeat: true}, nil
	case kind == "few" && n > 0: // a generator with few states
		return &Entropy{Bytes: stream("few", n), Repeat: true}, nil
	case kind == "dry" && numbered: // it ends after n good bytes
		return &Entropy{Bytes: bytes.Clone(stream("dry", n))}, nil
	case kind == "stream" && numbered:
		return &Entropy{Bytes: stream("stream", streamSize)}, nil
	}
	return nil, fmt.Errorf("no feed %q, want own, dead, zeros, ones, stuck, few=N, dry=N or stream=N", text)
}

// broken says whether no sound device makes a key of a feed.
func broken(text string) bool {
	return text == "dead" || text == "zeros" || text == "ones" || text == "stuck" || text == "dry=0"
}

// doubtful says whether a device may refuse to make keys of a feed, sooner or later.
func doubtful(text string) bool {
	return broken(text) || strings.HasPrefix(text, "few=") || strings.HasPrefix(text, "dry=") || strings.HasPrefix(text, "stream=")
}
