package erase

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// The curve of RFC 8032 section 5.1 with big integers, slow and plain, so that
// the list of points is checked by arithmetic and not by another list.
var (
	fieldP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	curveD = mulMod(new(big.Int).Neg(big.NewInt(121665)), invMod(big.NewInt(121666)))
)

func mulMod(a, b *big.Int) *big.Int { return new(big.Int).Mod(new(big.Int).Mul(a, b), fieldP) }
func invMod(a *big.Int) *big.Int    { return new(big.Int).ModInverse(a, fieldP) }

type curvePoint struct{ x, y *big.Int }

// add is the complete addition law of -x^2 + y^2 = 1 + d x^2 y^2.
func (a curvePoint) add(b curvePoint) curvePoint {
	one := big.NewInt(1)
	e := mulMod(curveD, mulMod(mulMod(a.x, b.x), mulMod(a.y, b.y)))
	x := new(big.Int).Add(mulMod(a.x, b.y), mulMod(a.y, b.x))
	y := new(big.Int).Add(mulMod(a.y, b.y), mulMod(a.x, b.x))
	return curvePoint{
		mulMod(x, invMod(new(big.Int).Mod(new(big.Int).Add(one, e), fieldP))),
		mulMod(y, invMod(new(big.Int).Mod(new(big.Int).Sub(one, e), fieldP))),
	}
}

// decodePoint reads an encoding as crypto/ed25519 does: y need not be canonical.
func decodePoint(t *testing.T, b [32]byte) (curvePoint, bool) {
	t.Helper()
	sign := b[31] >> 7
	b[31] &= 0x7F
	for i, j := 0, 31; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	y := new(big.Int).Mod(new(big.Int).SetBytes(b[:]), fieldP)
	yy, one := mulMod(y, y), big.NewInt(1)
	u := new(big.Int).Mod(new(big.Int).Sub(yy, one), fieldP)
	v := new(big.Int).Mod(new(big.Int).Add(mulMod(curveD, yy), one), fieldP)
	x := new(big.Int).ModSqrt(mulMod(u, invMod(v)), fieldP)
	if x == nil {
		return curvePoint{}, false
	}
	if x.Bit(0) != uint(sign) && x.Sign() != 0 {
		x.Sub(fieldP, x)
	}
	return curvePoint{x, y}, true
}

func (a curvePoint) torsion() bool {
	for range 3 {
		a = a.add(a)
	}
	return a.x.Sign() == 0 && a.y.Cmp(big.NewInt(1)) == 0
}

func TestAPointOfSmallOrderIsNoKey(t *testing.T) {
	distinct := map[string]bool{}
	for _, y := range smallOrder {
		for _, sign := range []byte{0, 0x80} {
			key := y
			key[31] |= sign
			p, ok := decodePoint(t, key)
			require.True(t, ok, "%x is on the curve", key)
			require.True(t, p.torsion(), "%x times 8 is the neutral element", key)
			distinct[fmt.Sprint(p.x, p.y)] = true
			require.ErrorContains(t, CheckPublicKey(key[:]), "small order", "%x", key)
		}
	}
	require.Len(t, distinct, 8, "the list holds every point whose order divides 8")
	require.NoError(t, CheckPublicKey(public()))
	require.ErrorContains(t, CheckPublicKey(public()[:31]), "a public key of 31 bytes, need 32")
}

func TestAKeyHasOneEncoding(t *testing.T) {
	for low := prime[0]; low != 0; low++ { // 2^255-19 to 2^255-1, which stand for 0 to 18
		for _, sign := range []byte{0, 0x80} {
			key := prime
			key[0], key[31] = low, key[31]|sign
			require.ErrorContains(t, CheckPublicKey(key[:]), "canonical encoding", "%x", key)
		}
	}
	key := beside(prime, -2)
	require.NoError(t, CheckPublicKey(key[:]), "the highest y that is canonical and not of small order")
}

// forgedCertificate is a certificate that nobody signed: under a key of small
// order A the equation [S]B = R + [k]A holds for S = 0 and R = -[k]A, which is
// one of eight points: trying them needs no private key.
func forgedCertificate(t *testing.T, key [32]byte) *Certificate {
	t.Helper()
	for n := range 100 { // k depends on the statement, so another note is another chance
		s := statement()
		s.Notes = fmt.Sprint("forged ", n)
		for _, r := range smallOrder {
			for _, sign := range []byte{0, 0x80} {
				var sig [64]byte
				copy(sig[:], r[:])
				sig[31] |= sign
				if ed25519.Verify(key[:], signedBytes(s, key[:]), sig[:]) {
					return &Certificate{Statement: s, Signature: Signature{
						Algorithm: "Ed25519", KeyID: KeyID(key[:]),
						PublicKey: base64.StdEncoding.EncodeToString(key[:]), Value: base64.StdEncoding.EncodeToString(sig[:]),
					}}
				}
			}
		}
	}
	require.FailNow(t, "no forgery was found", "%x", key)
	return nil
}

func TestACertificateUnderAKeyOfSmallOrderIsRefused(t *testing.T) {
	for _, key := range smallOrder {
		for _, sign := range []byte{0, 0x80} {
			key := key
			key[31] |= sign
			c := forgedCertificate(t, key)
			for _, data := range [][]byte{c.JSON(), []byte(c.Text())} {
				for _, trusted := range []ed25519.PublicKey{nil, key[:]} {
					_, err := VerifyCertificate(data, trusted)
					require.ErrorIs(t, err, ErrSignature, "%x", key)
					require.ErrorContains(t, err, "small order")
				}
			}
		}
	}
}
