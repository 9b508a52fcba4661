package aes256

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Path is a way to run AES.
type Path uint8

// The paths, slowest first.
const (
	Generic Path = iota // crypto/aes, a block at a time
	AESNI               // AES-NI and AVX: eight blocks at a time
	VAES                // AVX-512 and VAES: sixteen blocks at a time
)

var names = [...]string{Generic: "generic", AESNI: "aesni", VAES: "vaes"}

func (p Path) String() string { return names[p] }

// Environment is the variable that chooses the path: the name of one.
const Environment = "FDELAB_AES"

// Paths are those that this machine and this build can take, slowest first.
func Paths() []Path { return append([]Path{Generic}, assembly()...) }

// Choice is the path that Environment names, or the fastest one. An error says that it names none,
// or one that this machine or build does not have; the path is then the fastest all the same.
func Choice() (Path, error) { return choice() }

// Chosen is the path of Choice.
func Chosen() Path {
	p, _ := choice()
	return p
}

var choice = sync.OnceValues(func() (Path, error) { return choose(os.Getenv(Environment), Paths()) })

// choose is Choice of a value of the variable and of the paths that there are.
func choose(value string, have []Path) (Path, error) {
	best := have[len(have)-1]
	if value == "" {
		return best, nil
	}
	if i := slices.Index(names[:], value); i >= 0 && slices.Contains(have, Path(i)) {
		return Path(i), nil
	}
	var use []string
	for _, p := range have {
		use = append(use, p.String())
	}
	return best, fmt.Errorf("%s=%q is not a way to run AES here: use %s", Environment, value, strings.Join(use, ", "))
}

// ScheduleSize is the length of the round keys in one direction: 15 of 16 bytes.
const ScheduleSize = 15 * 16

// Schedule is an expanded key. The zero value is a cleared one, which must not be used.
type Schedule struct {
	Path  Path
	Enc   [ScheduleSize]byte // in the order in which AESENC takes them; zero on the Generic path
	Dec   [ScheduleSize]byte // in the order in which AESDEC takes them (FIPS 197 section 5.3.5); zero on the Generic path
	Block cipher.Block       // of the Generic path; nil on the others
}

// Expand writes the schedule of a key for a path that is one of Paths, over what was there. The key
// is not kept.
func (s *Schedule) Expand(key *[32]byte, p Path) {
	s.Path = p
	if p != Generic {
		expand(key, &s.Enc, &s.Dec)
		return
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("BUG: aes256: a 32-byte key is refused: " + err.Error())
	}
	if s.Block != nil {
		secret.WipeCipher(s.Block)
	}
	s.Block = block
}

// ExpandEncrypt is Expand for encryption alone: Dec stays as it is.
func (s *Schedule) ExpandEncrypt(key *[32]byte, p Path) {
	if p == Generic {
		s.Expand(key, p)
		return
	}
	s.Path = p
	expandEncrypt(key, &s.Enc)
}

// Encrypt encrypts one block of 16 bytes. dst and src may be the same.
func (s *Schedule) Encrypt(dst, src *[16]byte) {
	if s.Path == Generic {
		s.Block.Encrypt(dst[:], src[:])
		return
	}
	encryptBlock(&s.Enc, dst, src)
}

// Clear overwrites the round keys.
func (s *Schedule) Clear() {
	clear(s.Enc[:])
	clear(s.Dec[:])
	if s.Block != nil {
		secret.WipeCipher(s.Block)
		s.Block = nil
	}
}
