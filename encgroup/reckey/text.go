package reckey

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// A recovery key on paper is 8 groups of 8 characters, with dashes between them. Each group is 32
// bits of the key and 8 check bits in base 32, with an alphabet whose letters do not look like
// digits (Crockford). The check bits are a CRC-8 (polynomial 07h) over the number of the group and
// its bits. They find a wrong character, swapped characters and swapped groups, and in which group.
const (
	alphabet   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	groups     = 8
	groupChars = 8
)

// TypoError says that an entry is mistyped: no recovery key reads so.
type TypoError struct {
	Group int    // 1 to 8; 0 if the whole entry is too short or too long
	What  string // what is wrong with it; holds nothing of the entry
}

func (e *TypoError) Error() string {
	if e.Group == 0 {
		return "reckey: " + e.What
	}
	return fmt.Sprintf("reckey: group %d of the recovery key: %s", e.Group, e.What)
}

// Encode gives the form that a person can type: 71 characters. It is the secret itself.
func Encode(key *secret.Key32) string {
	var b strings.Builder
	for g := range groups {
		if g > 0 {
			b.WriteByte('-')
		}
		part := key[g*4 : g*4+4]
		v := uint64(check(g, part))
		for i := range part {
			v |= uint64(part[i]) << (32 - 8*i)
		}
		for i := range groupChars {
			b.WriteByte(alphabet[v>>(35-5*i)&31])
		}
	}
	return b.String()
}

// Decode reads what a person typed: upper or lower case, with dashes, blanks or nothing
// between the groups, I and L for 1, O for 0. The error is a *TypoError.
func Decode(text string) (_ *secret.Key32, err error) {
	key := new(secret.Key32)
	defer func() {
		if err != nil {
			key.Clear()
		}
	}()
	var chars []byte
	defer func() { clear(chars[:cap(chars)]) }()
	chars = make([]byte, 0, groups*groupChars)
	for _, c := range []byte(text) {
		if strings.IndexByte("- \t\r\n", c) >= 0 {
			continue
		}
		if len(chars) == groups*groupChars {
			return nil, &TypoError{0, "it has more than 64 characters"}
		}
		v := value(c)
		if v < 0 {
			return nil, &TypoError{len(chars)/groupChars + 1, "there is a character in it that no recovery key has"}
		}
		chars = append(chars, byte(v))
	}
	if len(chars) != groups*groupChars {
		return nil, &TypoError{0, fmt.Sprintf("it has %d characters, need 64", len(chars))}
	}
	for g := range groups {
		var v uint64
		for _, c := range chars[g*groupChars : (g+1)*groupChars] {
			v = v<<5 | uint64(c)
		}
		part := key[g*4 : g*4+4]
		for i := range part {
			part[i] = byte(v >> (32 - 8*i))
		}
		if check(g, part) != byte(v) {
			return nil, &TypoError{g + 1, "it is mistyped"}
		}
	}
	return key, nil
}

func value(c byte) int {
	switch c {
	case 'i', 'I', 'l', 'L':
		return 1
	case 'o', 'O':
		return 0
	}
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return strings.IndexByte(alphabet, c)
}

func check(group int, part []byte) byte {
	crc := byte(0)
	step := func(b byte) {
		crc ^= b
		for range 8 {
			high := crc&0x80 != 0
			crc <<= 1
			if high {
				crc ^= 0x07
			}
		}
	}
	step(byte(group + 1))
	for _, b := range part {
		step(b)
	}
	return crc
}
