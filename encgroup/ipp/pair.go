package ipp

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// KeyPair is one of the key pairs that wrap data keys. A server that only wraps, for another site,
// has only the public half.
type KeyPair struct {
	Label   string // 1 to 64 bytes
	public  *rsa.PublicKey
	private func() *rsa.PrivateKey // nil without the private half; a closure keeps it from fmt
}

// NewKeyPair takes an RSA key of at least 2,048 bits.
func NewKeyPair(label string, key *rsa.PrivateKey) (KeyPair, error) {
	if label == "" || len(label) > labelMax {
		return KeyPair{}, fmt.Errorf("ipp: a label of %d bytes, need 1 to %d", len(label), labelMax)
	}
	if key.N.BitLen() < 2048 {
		return KeyPair{}, fmt.Errorf("ipp: an RSA key of %d bits, need at least 2048", key.N.BitLen())
	}
	return KeyPair{label, &key.PublicKey, func() *rsa.PrivateKey { return key }}, nil
}

// Public is the pair without its private half.
func (p KeyPair) Public() KeyPair { return KeyPair{Label: p.Label, public: p.public} }

// Damaged is the pair with one bit (0 to 2047, modulo 2048) of its private exponent flipped, as it
// may rot on a disk. It opens nothing. Damaging the same bit again mends it. A pair without private
// half does not change.
func (p KeyPair) Damaged(bit int) KeyPair {
	if p.private == nil {
		return p
	}
	old := p.private()
	at := bit & 2047
	key := &rsa.PrivateKey{PublicKey: old.PublicKey, Primes: old.Primes, D: new(big.Int).SetBit(old.D, at, 1-old.D.Bit(at))}
	if key.Validate() == nil {
		key.Precompute()
	}
	p.private = func() *rsa.PrivateKey { return key }
	return p
}

// Private says whether the private half is there, damaged or not.
func (p KeyPair) Private() bool { return p.private != nil }

// GenerateKey makes an RSA key of 2,048 bits. The same bytes of entropy give the same key, which
// crypto/rsa does not promise. Its primes p and q have 1,024 bits with the two highest set, are
// more than 2^924 apart, and p-1 and q-1 are coprime to 65,537 (FIPS 186-5, appendix A.1.3).
func GenerateKey(entropy io.Reader) (*rsa.PrivateKey, error) {
	const e = 65537
	one := big.NewInt(1)
	for range 100 {
		p, err := prime(entropy, e)
		if err != nil {
			return nil, err
		}
		q, err := prime(entropy, e)
		if err != nil {
			return nil, err
		}
		if new(big.Int).Sub(p, q).BitLen() <= 1024-100 {
			continue
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: e},
			D:         new(big.Int).ModInverse(big.NewInt(e), phi),
			Primes:    []*big.Int{p, q},
		}
		key.Precompute()
		if err := key.Validate(); err != nil {
			return nil, fmt.Errorf("ipp: key pair: %w", err)
		}
		return key, nil
	}
	return nil, errors.New("ipp: key pair: the source of entropy gives the same primes again and again")
}

// sieveMax bounds the primes by which a number is divided before it is tested. That excludes most
// composite numbers, some hundred times cheaper than the test.
const sieveMax = 1 << 15

// smallPrimes are the odd primes below sieveMax.
var smallPrimes = func() (out []uint64) {
	composite := make([]bool, sieveMax)
	for p := uint64(3); p < sieveMax; p += 2 {
		if composite[p] {
			continue
		}
		out = append(out, p)
		for m := p * p; m < sieveMax; m += 2 * p {
			composite[m] = true
		}
	}
	return out
}()

// prime draws an odd number of 1,024 bits and returns the first prime p at or above it for which
// p-1 is coprime to e.
func prime(entropy io.Reader, e int64) (*big.Int, error) {
	b := make([]byte, 128)
	defer clear(b)
	p, rest := new(big.Int), new(big.Int)
	rests := make([]uint64, len(smallPrimes))
	for range 100 {
		if _, err := io.ReadFull(entropy, b); err != nil {
			return nil, fmt.Errorf("ipp: key pair: no entropy: %w", err)
		}
		b[0] |= 0xC0
		b[127] |= 1
		start := new(big.Int).SetBytes(b)
		for i, q := range smallPrimes {
			rests[i] = rest.Mod(start, p.SetUint64(q)).Uint64()
		}
		// One odd number of this size in about 355 is prime.
		for step := uint64(0); step < 20_000; step += 2 {
			if divides(rests, step) {
				continue
			}
			p.Add(start, rest.SetUint64(step))
			if p.BitLen() == 1024 && rest.Mod(rest.Sub(p, big.NewInt(1)), big.NewInt(e)).Sign() != 0 && p.ProbablyPrime(20) {
				return p, nil
			}
		}
	}
	return nil, errors.New("ipp: key pair: the source of entropy gives no primes")
}

// divides says whether a small prime divides start+step; rests are those of start.
func divides(rests []uint64, step uint64) bool {
	for i, q := range smallPrimes {
		if (rests[i]+step)%q == 0 {
			return true
		}
	}
	return false
}

// oaepLabel binds the wraps to their use (RFC 8017, section 7.1).
var oaepLabel = []byte("fdelab ipp EEDK v1")

// wrap draws the seed of OAEP from entropy, so that the same seed gives the same EEDK and
// identifier. EncryptOAEP still uses the source it is given, as other operations of crypto/rsa do
// not since Go 1.26; a test holds it.
func (p KeyPair) wrap(key *secret.Key32, entropy io.Reader) ([]byte, error) {
	b, err := rsa.EncryptOAEP(sha256.New(), entropy, p.public, key[:], oaepLabel)
	if err != nil {
		return nil, fmt.Errorf("ipp: wrap with %q: %w", p.Label, err)
	}
	return b, nil
}

// unwrap does not say why it fails, so that nobody learns from the reason.
func (p KeyPair) unwrap(wrapped []byte) (key *secret.Key32, ok bool) {
	if p.private == nil {
		return nil, false
	}
	b, err := rsa.DecryptOAEP(sha256.New(), nil, p.private(), wrapped, oaepLabel)
	if err != nil || len(b) != len(key) {
		clear(b)
		return nil, false
	}
	return secret.Take32(b), true
}
