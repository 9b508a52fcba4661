package forensic

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"unicode/utf16"
)

// ownMin is how many bytes a secret has that is looked for, and maskedMin one that is looked for under a
// constant: shorter ones lie somewhere by chance.
const (
	ownMin    = 4
	maskedMin = 8
)

// needle is a form of a secret.
type needle struct {
	name   string
	b      []byte
	masked bool // b is what differs from each byte to the next
}

// needlesOf are the forms of a secret.
func needlesOf(secret []byte) []needle {
	back := slices.Clone(secret)
	slices.Reverse(back)
	lower := hex.EncodeToString(secret)
	out := []needle{
		{"as it is", secret, false},
		{"backwards", back, false},
		{"in hex", []byte(lower), false},
		{"in hex", bytes.ToUpper([]byte(lower)), false},
	}
	for phase := range 3 { // within a longer text, the first and the last character may hold bits of others
		text := base64.StdEncoding.EncodeToString(append(make([]byte, phase), secret...))
		from, to := (phase*8+5)/6, (phase+len(secret))*8/6
		url := bytes.NewBufferString(text[from:to]).Bytes()
		out = append(out, needle{"in base64", []byte(text[from:to]), false},
			needle{"in base64url", bytes.ReplaceAll(bytes.ReplaceAll(url, []byte("+"), []byte("-")), []byte("/"), []byte("_")), false})
	}
	var little, big []byte
	for _, u := range utf16.Encode(latin(secret)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	out = append(out, needle{"in UTF-16", little, false}, needle{"in UTF-16", big, false})
	if len(secret) >= maskedMin {
		out = append(out, needle{"under a constant", differences(secret), true}, needle{"backwards under a constant", differences(back), true})
	}
	return out
}

// latin takes each byte for a character.
func latin(b []byte) []rune {
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return out
}

// differences are the same whatever constant the bytes are under.
func differences(b []byte) []byte {
	out := make([]byte, len(b)-1)
	for i := range out {
		out[i] = b[i] ^ b[i+1]
	}
	return out
}

// ownBytes looks in the pages for the secrets that not everybody knows.
func (s *search) ownBytes(secrets []Secret) {
	if !s.has(OwnBytes) {
		return
	}
	s.phase(OwnBytes.String())
	for i := range s.pages {
		p := &s.pages[i]
		if p.how != "" {
			continue
		}
		masked := differences(p.full)
		for n, secret := range secrets {
			if secret.public || len(secret.b) < ownMin || distinct(secret.b) < ownMin {
				continue
			}
			for _, form := range needlesOf(secret.b) {
				hay := p.full
				if form.masked {
					hay = masked
				}
				off := bytes.Index(hay, form.b)
				if off < 0 || form.masked && p.full[off] == form.plain(secret.b) {
					continue
				}
				at := step(fmt.Sprintf("%s %s", secret.name, form.name), p, off, len(form.b))
				at.Secret = n + 1
				s.out.Secrets = append(s.out.Secrets, Finding{Path: Path{at}, Weak: true})
			}
		}
		clear(masked)
	}
}

// plain is the first byte of a masked needle that is under no constant at all.
func (n *needle) plain(secret []byte) byte {
	if n.name == "backwards under a constant" {
		return secret[len(secret)-1]
	}
	return secret[0]
}

// repeats compares the ciphertexts of one sector under several generations of its key.
func (s *search) repeats() {
	if !s.has(Repeats) {
		return
	}
	for i := range s.oracles {
		for j := range i {
			a, b := &s.oracles[j], &s.oracles[i]
			if a.Generation != b.Generation && a.LBA == b.LBA && a.SectorSize == b.SectorSize && bytes.Equal(a.Plain, b.Plain) && bytes.Equal(a.Cipher, b.Cipher) {
				s.note(Finding{Path: Path{{Name: fmt.Sprintf("the key of generation %d again in generation %d", a.Generation, b.Generation)}}, Oracle: b.Name, Weak: true})
			}
		}
	}
	// A key that opens sectors of two generations is found twice, by one path.
	first := map[string]string{}
	generation := map[string]int{}
	for _, o := range s.oracles {
		generation[o.Name] = o.Generation
	}
	for _, f := range slices.Clone(s.out.Keys) {
		path := f.Path.String()
		if o, ok := first[path]; ok && generation[o] != generation[f.Oracle] {
			again := Step{Name: fmt.Sprintf("the same key as of %s", o)}
			s.note(Finding{Path: append(slices.Clone(f.Path), again), Oracle: f.Oracle, Weak: f.Weak, Bits: f.Bits})
		}
		first[path] = f.Oracle
	}
}
