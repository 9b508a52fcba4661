package forensic

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
)

// ownMin is how many different bytes a secret has that is looked for, and maskedMin how many bytes one that
// is looked for under a constant: shorter ones lie somewhere by chance.
const (
	ownMin    = 4
	maskedMin = 8
)

// needle is a form of a secret.
type needle struct {
	name string
	b    []byte
	// of a secret under a constant: b is what differs from each byte to the next, and plain the first
	// byte under no constant
	masked bool
	plain  byte
}

// needlesOf are the forms of a secret. One that is like another before it is left out.
func needlesOf(secret []byte) (out []needle) {
	add := func(name string, b []byte) {
		if !slices.ContainsFunc(out, func(n needle) bool { return bytes.Equal(n.b, b) }) {
			out = append(out, needle{name: name, b: b})
		}
	}
	back := backwardsOf(secret)
	add("as it is", secret)
	add("backwards", back)
	lower := []byte(hex.EncodeToString(secret))
	add("in hex", lower)
	add("in hex", bytes.ToUpper(lower))
	for phase := range 3 { // within a longer text, the first and the last character may hold bits of others
		whole := append(make([]byte, phase), secret...)
		from, to := (phase*8+5)/6, len(whole)*8/6
		add("in base64", []byte(base64.StdEncoding.EncodeToString(whole)[from:to]))
		add("in base64url", []byte(base64.URLEncoding.EncodeToString(whole)[from:to]))
	}
	little, big := make([]byte, 2*len(secret)), make([]byte, 2*len(secret)) // each byte a character
	for i, c := range secret {
		little[2*i], big[2*i+1] = c, c
	}
	add("in UTF-16", little)
	add("in UTF-16", big)
	if len(secret) >= maskedMin {
		out = append(out, needle{"under a constant", differences(secret), true, secret[0]},
			needle{"backwards under a constant", differences(back), true, back[0]})
	}
	return out
}

func backwardsOf(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

// find is where the needle lies in a page, -1 for nowhere. masked are the differences of the page.
func (n *needle) find(full, masked []byte) int {
	if !n.masked {
		return bytes.Index(full, n.b)
	}
	for from := 0; ; {
		off := bytes.Index(masked[from:], n.b)
		if off < 0 {
			return -1
		}
		if from += off; full[from] != n.plain {
			return from
		}
		from++ // as it is, or backwards: that is another form
	}
}

// size is how many bytes the needle takes in a page.
func (n *needle) size() int {
	if n.masked {
		return len(n.b) + 1
	}
	return len(n.b)
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
			if secret.public || distinct(secret.b) < ownMin {
				continue
			}
			for _, form := range needlesOf(secret.b) {
				off := form.find(p.full, masked)
				if off < 0 {
					continue
				}
				at := step(secret.name+" "+form.name, p, off, form.size())
				at.Secret = n + 1
				s.out.Secrets = append(s.out.Secrets, Finding{Path: Path{at}, Weak: true})
			}
		}
		clear(masked)
	}
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
