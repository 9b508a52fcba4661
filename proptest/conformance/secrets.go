package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"unicode/utf16"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// secrets looks for the bytes of PINs and of data in the flash and on the media, in the encodings
// that were met in products. MSID is no secret: anyone may read it.
func (w *World) secrets() {
	dump := w.dumper.Dump()
	if len(dump.Flash) == 0 && len(dump.Written) == 0 {
		w.blindly("the dump is empty")
		return
	}
	pages := dump.Flash
	for _, lba := range dump.Written {
		if c, ok := dump.Sector(lba); ok {
			pages = append(pages, flash.Page{Block: -1, Page: int(lba), Data: c})
		}
	}
	for _, name := range append([]Name{"psid"}, w.look.used...) {
		if w.reveals(pages, "PIN "+string(name), name.bytes(w.label)) {
			return
		}
	}
	for _, m := range w.candidates {
		for _, lba := range m.written() {
			if s := m.sectors[lba]; s.content != unknown && s.content != 0 {
				plain := make([]byte, 24)
				fill(plain, s.content, lba)
				w.reveals(pages, "data of a sector", plain)
			}
		}
	}
}

// reveals fails where a secret is found, in the forms that encodings give. It first finds it in a
// page of its own making.
func (w *World) reveals(pages []flash.Page, what string, secret []byte) bool {
	all := encodings(secret)
	for at := 0; len(secret) >= 32 && at < len(secret); at += 16 { // half of a credential is too much
		for _, e := range encodings(secret[at:min(at+16, len(secret))]) {
			e.name = "a part of it, " + e.name
			all = append(all, e)
		}
	}
	for _, e := range all {
		planted := append(append(bytes.Repeat([]byte{0x5C}, 33), e.bytes...), bytes.Repeat([]byte{0x36}, 40)...)
		if !e.in(planted) {
			w.blindly("the search for secrets does not find what was planted")
			return true
		}
		for _, p := range pages {
			if e.in(p.Data) {
				where := "the flash, block %d, page %d"
				if p.Block < 0 {
					w.failf("secret found", "%s (%s) is on the media, sector %d", what, e.name, p.Page)
				}
				w.failf("secret found", "%s (%s) is in "+where, what, e.name, p.Block, p.Page)
			}
		}
	}
	w.look.claims++
	return false
}

type encoding struct {
	name  string
	bytes []byte
	delta bool // any constant may be XORed to every byte
}

// in says whether data holds the encoding.
func (e encoding) in(data []byte) bool {
	if e.delta {
		return bytes.Contains(deltas(data), deltas(e.bytes))
	}
	return bytes.Contains(data, e.bytes)
}

// deltas are the differences of neighbours, which no constant changes.
func deltas(b []byte) []byte {
	if len(b) < 2 {
		return nil
	}
	out := make([]byte, len(b)-1)
	for i := range out {
		out[i] = b[i] ^ b[i+1]
	}
	return out
}

// encodings of a secret of 8 bytes or more.
func encodings(secret []byte) []encoding {
	if len(secret) < 8 {
		return nil
	}
	back := bytes.Clone(secret)
	reverse(back)
	lower := hex.EncodeToString(secret)
	out := []encoding{
		{"as it is, or XORed with one byte", secret, true},
		{"backwards", back, true},
		{"hexadecimal", []byte(lower), false},
		{"hexadecimal, upper case", bytes.ToUpper([]byte(lower)), false},
	}
	for shift := range 3 { // base64 of something that begins 0 to 2 bytes earlier
		// Characters that hold bits of the neighbours are left out.
		from, to := []int{0, 2, 3}[shift], 8*(shift+len(secret))/6
		before := append(make([]byte, shift), secret...)
		out = append(out,
			encoding{"base64", []byte(base64.RawStdEncoding.EncodeToString(before)[from:to]), false},
			encoding{"base64 for addresses", []byte(base64.RawURLEncoding.EncodeToString(before)[from:to]), false})
	}
	wide := make([]byte, 0, 2*len(secret))
	for _, u := range utf16.Encode([]rune(string(secret))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, b := range secret {
		if b >= 0x80 || b < 0x20 {
			return out // no text
		}
	}
	return append(out, encoding{"UTF-16", wide, false})
}
