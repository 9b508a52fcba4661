package forensic

import (
	"encoding/base64"
	"encoding/hex"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// encodedMin is how many characters a text has that is decoded: fewer hold no key of 32 bytes in base64,
// nor a salt beside it that matters.
const encodedMin = 16

// encoding is a way to write bytes as text.
type encoding struct {
	name   string
	of     [256]bool // its characters
	group  int       // characters that make whole bytes
	bytes  int       // which they make
	decode func(text []byte) []byte
}

func newEncoding(name, alphabet string, group, bytes int, decode func([]byte) []byte) *encoding {
	e := &encoding{name: name, group: group, bytes: bytes, decode: decode}
	for _, c := range []byte(alphabet) {
		e.of[c] = true
	}
	return e
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// decoder decodes as far as the text makes whole bytes.
func decoder(decode func(dst, src []byte) (int, error), size func(int) int) func([]byte) []byte {
	return func(text []byte) []byte {
		out := make([]byte, size(len(text)))
		n, _ := decode(out, text) // of a character too many comes an error, behind all bytes
		return out[:n]
	}
}

var encodings = []*encoding{
	newEncoding("hex", "0123456789abcdefABCDEF", 2, 1, decoder(hex.Decode, hex.DecodedLen)),
	newEncoding("base64", alphanumeric+"+/", 4, 3, decoder(base64.RawStdEncoding.Decode, base64.RawStdEncoding.DecodedLen)),
	newEncoding("base64url", alphanumeric+"-_", 4, 3, decoder(base64.RawURLEncoding.Decode, base64.RawURLEncoding.DecodedLen)),
}

// decoded are the bytes that the texts in a page stand for, each text a page of its own, and all of one
// encoding behind each other once more: the halves of a key may be two texts. A text may be broken into
// lines. Where it begins inside a longer one is not known, so every phase is decoded.
func decoded(p flash.Page) (out []page) {
	for _, e := range encodings {
		var all page
		for at := 0; at < len(p.Data); {
			text, where, end := e.text(p.Data, at)
			if at = end; len(text) < encodedMin {
				continue
			}
			for phase := range e.group {
				b := e.decode(text[phase:])
				one := page{block: p.Block, page: p.Page, how: e.name, full: b, data: b}
				for i := range b {
					one.where = append(one.where, where[phase+i*e.group/e.bytes])
				}
				out = append(out, one)
				if phase == 0 {
					all.full, all.where = append(all.full, b...), append(all.where, one.where...)
				}
			}
		}
		if len(all.full) >= 64 {
			all.block, all.page, all.how, all.data = p.Block, p.Page, e.name, all.full
			out = append(out, all)
		}
	}
	return out
}

// text is the next text in data from at on, where its characters lie, and where to look on.
func (e *encoding) text(data []byte, at int) (text []byte, where []int, end int) {
	for at < len(data) && !e.of[data[at]] {
		at++
	}
	for ; at < len(data); at++ {
		switch c := data[at]; {
		case e.of[c]:
			text, where = append(text, c), append(where, at)
		case c == '\n' || c == '\r': // the text goes on
		default:
			return text, where, at
		}
	}
	return text, where, at
}
