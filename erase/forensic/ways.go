package forensic

import (
	"fmt"
	"strings"
)

// Ways are what a search tries beyond the ways of this project's drives: see [Options].Also. Each is
// tried as far as the budget goes, [QuickBudget] or with Options.Deep [DeepBudget]; what it did not
// reach stands in Findings.Left.
type Ways uint16

const (
	// Encoded reads texts of hex and base64, of 16 characters or more, and tries what they mean as
	// bytes of a page, in every way.
	Encoded Ways = 1 << iota
	// Reversed tries each window of 64 bytes backwards as a key.
	Reversed
	// Masked tries each window of 64 bytes as a key under each constant of one byte (XOR).
	Masked
	// GCM opens AES-256-GCM wraps: nonce, key, tag; key, tag, nonce; or key, tag with a nonce of
	// zeros. The nonce has 12 bytes, the tag 16, the key 32 or 64.
	GCM
	// Blocks decrypts 64 bytes with AES-256 in ECB and CBC, with the 16 bytes before or zeros as
	// initialisation vector. Only the known plaintext tells whether a key came out.
	Blocks
	// Hashed derives keys from secrets by SHA-2, SHA-3, HMAC, HKDF and PBKDF2, without a salt and with
	// each 8, 16 and 32 bytes of the same page.
	Hashed
	// WindowPINs takes bytes of the dump for a PIN: texts of 4 to 32 characters, and 32 bytes.
	WindowPINs
	// Seeds makes keys by simple random generators and hashes from seeds below 256, deep below 65,536.
	Seeds
	// OwnBytes looks for the secrets themselves: as they are, under a constant, reversed, in hex,
	// base64 and UTF-16. What it finds is in Findings.Secrets.
	OwnBytes
	// Repeats compares oracles of several generations: see [Oracle].Generation.
	Repeats

	// AllWays are all of them.
	AllWays = 1<<iota - 1
)

var wayNames = []string{
	"keys and wraps in hex and base64", "keys backwards", "keys under a constant", "AES-GCM wraps", "keys in AES-ECB and AES-CBC",
	"keys hashed from PINs", "bytes of the dump as PINs", "keys of small seeds", "the secrets' own bytes", "keys that came again",
}

// deepNames are what only Options.Deep tries.
var deepNames = []string{"salts from anywhere in a page", "every 32 bytes as a key-encrypting key", "every constant as a key", "halves of a key apart"}

// List is one way after the other.
func (w Ways) List() (out []Ways) {
	for i := range wayNames {
		if w&(1<<i) != 0 {
			out = append(out, 1<<i)
		}
	}
	return out
}

func (w Ways) String() string {
	var names []string
	for i, name := range wayNames {
		if w&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// The budgets of each way, in operations: keys held against the known plaintext, unwraps, derivations.
const (
	QuickBudget = 1 << 20
	DeepBudget  = 1 << 28
)

// has says whether a way is wanted.
func (s *search) has(w Ways) bool { return s.opts.Also&w != 0 }

// afford takes operations out of the budget of a way. A way that has not so many left does none of
// them, and says so.
func (s *search) afford(w Ways, n int) bool {
	budget := QuickBudget
	if s.opts.Deep {
		budget = DeepBudget
	}
	if s.spent == nil {
		s.spent = map[Ways]int{}
	}
	if n <= budget-s.spent[w] {
		s.spent[w] += n
		return true
	}
	s.out.left(fmt.Sprintf("%v: %d operations, %d are left of the budget", w, n, budget-s.spent[w]))
	return false
}

func (f *Findings) left(what string) {
	for _, l := range f.Left {
		if strings.HasPrefix(l, what[:strings.Index(what+":", ":")]) {
			return // once for a way
		}
	}
	f.Left = append(f.Left, what)
}

// leave notes what was not asked for.
func (s *search) leave() {
	for _, w := range (AllWays &^ s.opts.Also).List() {
		s.out.left(w.String())
	}
	if !s.opts.Deep {
		for _, n := range deepNames {
			s.out.left(n)
		}
	}
	if len(s.oracles) == 0 {
		s.out.left("keys without a wrap: there is no known plaintext")
	}
}

// phase tells what is done now.
func (s *search) phase(what string) {
	if s.opts.Phase != nil {
		s.opts.Phase(what)
	}
}
