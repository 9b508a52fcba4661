package forensic

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// generator makes 64 bytes of a seed.
type generator struct {
	name string
	make func(seed uint32, out *[64]byte)
}

// perByte is a generator that gives a byte a step.
func perByte(next func(state *uint32) byte) func(uint32, *[64]byte) {
	return func(seed uint32, out *[64]byte) {
		for i := range out {
			out[i] = next(&seed)
		}
	}
}

// perWord is a generator that gives a little-endian word a step.
func perWord(start func(seed uint32) func() uint32) func(uint32, *[64]byte) {
	return func(seed uint32, out *[64]byte) {
		next := start(seed)
		for i := 0; i < len(out); i += 4 {
			binary.LittleEndian.PutUint32(out[i:], next())
		}
	}
}

var generators = []generator{
	{"SHA-512 of the number in decimal", func(seed uint32, out *[64]byte) { *out = sha512.Sum512(strconv.AppendUint(nil, uint64(seed), 10)) }},
	{"SHA-512 of 4 bytes, big-endian", func(seed uint32, out *[64]byte) {
		*out = sha512.Sum512(binary.BigEndian.AppendUint32(nil, seed))
	}},
	{"SHA-512 of 4 bytes, little-endian", func(seed uint32, out *[64]byte) {
		*out = sha512.Sum512(binary.LittleEndian.AppendUint32(nil, seed))
	}},
	{"SHA-256 of 4 bytes and a count of one, big-endian", func(seed uint32, out *[64]byte) {
		for half := range 2 {
			h := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, seed), byte(half)))
			copy(out[32*half:], h[:])
		}
	}},
	{"rand of ANSI C", perByte(func(s *uint32) byte { *s = *s*1103515245 + 12345; return byte(*s >> 16) })},
	{"rand of Microsoft C", perByte(func(s *uint32) byte { *s = *s*214013 + 2531011; return byte(*s >> 16) })},
	{"rand of glibc", glibc},
	{"xorshift32", perWord(func(s uint32) func() uint32 {
		return func() uint32 { s ^= s << 13; s ^= s >> 17; s ^= s << 5; return s }
	})},
	{"MT19937, words", perWord(mersenne)},
	{"MT19937, bytes", func(seed uint32, out *[64]byte) {
		next := mersenne(seed)
		for i := range out {
			out[i] = byte(next())
		}
	}},
}

// glibc is random(3) in its default state of 31 words, a byte of each number.
func glibc(seed uint32, out *[64]byte) {
	var r [344 + 64]uint32
	r[0] = max(1, seed)
	for i := 1; i < len(r); i++ {
		switch {
		case i < 31:
			word := 16807 * int64(int32(r[i-1])) % 2147483647
			if word < 0 {
				word += 2147483647
			}
			r[i] = uint32(word)
		case i < 34:
			r[i] = r[i-31]
		default:
			r[i] = r[i-31] + r[i-3]
		}
	}
	for i := range out {
		out[i] = byte(r[344+i] >> 1)
	}
}

// mersenne gives the first numbers of the Mersenne twister, 227 at most.
func mersenne(seed uint32) func() uint32 {
	var m [624]uint32
	m[0] = seed
	for i := 1; i < len(m); i++ {
		m[i] = 1812433253*(m[i-1]^m[i-1]>>30) + uint32(i)
	}
	i := 0
	return func() uint32 {
		y := m[i]&0x80000000 | m[i+1]&0x7FFFFFFF
		y = m[i+397] ^ y>>1 ^ -(y&1)&0x9908B0DF
		i++
		y ^= y >> 11
		y ^= y << 7 & 0x9D2C5680
		y ^= y << 15 & 0xEFC60000
		return y ^ y>>18
	}
}

const (
	quickSeeds = 1 << 8
	deepSeeds  = 1 << 16
)

// seeded tries what simple generators make of small seeds.
func (s *search) seeded() {
	if !s.has(Seeds) || len(s.oracles) == 0 {
		return
	}
	n := quickSeeds
	if s.opts.Deep {
		n = deepSeeds
	}
	if !s.afford(Seeds, n*len(generators)) {
		return
	}
	s.phase(Seeds.String())
	s.share(n, 1024, func(w *worker, from, to int) {
		key := (*[64]byte)(w.buf[:])
		for seed := from; seed < to; seed++ {
			for g := range generators {
				generators[g].make(uint32(seed), key)
				w.tried.Windows++
				for i := range s.oracles {
					if ok, swapped := s.oracles[i].opensWith(key[:]); ok {
						w.bare = append(w.bare, Finding{
							Path:   Path{{Name: fmt.Sprintf("%s from seed %d", generators[g].name, seed)}},
							Oracle: s.oracles[i].Name, Swapped: swapped, Weak: true, Bits: bits.Len(uint(seed)),
						})
					}
				}
			}
		}
	})
}
