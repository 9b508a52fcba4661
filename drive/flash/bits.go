package flash

import "encoding/binary"

// ones is erased flash.
var ones = func() (b [4096]byte) {
	for i := range b {
		b[i] = 0xFF
	}
	return b
}()

// fill sets every bit of dst.
func fill(dst []byte) {
	for len(dst) > 0 {
		dst = dst[copy(dst, ones[:]):]
	}
}

// trim cuts off the erased bytes at the end.
func trim(data []byte) []byte {
	n := len(data)
	for n >= 8 && binary.LittleEndian.Uint64(data[n-8:]) == 1<<64-1 {
		n -= 8
	}
	for n > 0 && data[n-1] == 0xFF {
		n--
	}
	return data[:n]
}

// allZero says whether no bit of data is set.
func allZero(data []byte) bool {
	for len(data) >= 8 {
		if binary.LittleEndian.Uint64(data) != 0 {
			return false
		}
		data = data[8:]
	}
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// stream is SplitMix64: where a page tears. It decides nothing secret.
type stream uint64

func (s *stream) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below draws from 0 to n-1; n is at least 1. The bias of the remainder does
// not matter at sizes of a page.
func (s *stream) below(n int) int { return int(s.next() % uint64(n)) }
