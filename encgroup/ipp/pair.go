package ipp

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// KeyPair is one of the key pairs that data keys are wrapped with. A server that is
// to wrap only, for another site, has the public half alone.
type KeyPair struct {
	Label   string // 1 to 64 bytes
	public  *rsa.PublicKey
	private func() *rsa.PrivateKey // nil with the public half alone; a closure keeps it from fmt
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

// GenerateKey makes an RSA key of 2,048 bits from a source of entropy: the same
// bytes give the same key, which crypto/rsa does not promise. Two primes of 1,024 bits with the
// two highest bits set, more than 2^924 apart, prime to 65,537 when one is taken off
// (FIPS 186-5, appendix A.1.3).
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

func prime(entropy io.Reader, e int64) (*big.Int, error) {
	b := make([]byte, 128)
	defer clear(b)
	p, rest := new(big.Int), new(big.Int)
	// One odd number of this size in about 355 is prime.
	for range 100_000 {
		if _, err := io.ReadFull(entropy, b); err != nil {
			return nil, fmt.Errorf("ipp: key pair: no entropy: %w", err)
		}
		b[0] |= 0xC0
		b[127] |= 1
		p.SetBytes(b)
		if rest.Mod(rest.Sub(p, big.NewInt(1)), big.NewInt(e)).Sign() != 0 && p.ProbablyPrime(20) {
			return p, nil
		}
	}
	return nil, errors.New("ipp: key pair: the source of entropy gives no primes")
}

// oaepLabel binds the wraps to their use (RFC 8017, section 7.1).
var oaepLabel = []byte("fdelab ipp EEDK v1")

func (p KeyPair) wrap(key *secret.Key32, entropy io.Reader) ([]byte, error) {
	b, err := rsa.EncryptOAEP(sha256.New(), entropy, p.public, key[:], oaepLabel)
	if err != nil {
		return nil, fmt.Errorf("ipp: wrap with %q: %w", p.Label, err)
	}
	return b, nil
}

// unwrap fails in one way only, whatever is wrong with the wrap.
func (p KeyPair) unwrap(wrapped []byte) (key secret.Key32, ok bool) {
	if p.private == nil {
		return key, false
	}
	b, err := rsa.DecryptOAEP(sha256.New(), nil, p.private(), wrapped, oaepLabel)
	defer clear(b)
	if err != nil || len(b) != len(key) {
		return key, false
	}
	copy(key[:], b)
	return key, true
}
