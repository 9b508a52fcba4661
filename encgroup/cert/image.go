package cert

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"

	"github.com/seed-9d983aeb/fdelab/internal/image"
)

// keptCertificate is what an image has of a certificate.
type keptCertificate struct {
	chain []*x509.Certificate
	key   crypto.Signer // nil: somebody else's
}

func init() {
	image.Register(
		image.As(func(c *Certificate) (k keptCertificate, err error) {
			if k.chain = c.chain; c.key != nil {
				k.key = c.key()
			}
			return k, nil
		}, func(k keptCertificate) (Certificate, error) {
			c := Certificate{chain: k.chain}
			if k.key != nil {
				c.key = func() crypto.Signer { return k.key }
			}
			return c, nil
		}),
		image.As(func(x *x509.Certificate) ([]byte, error) {
			return x.Raw, nil
		}, func(raw []byte) (x x509.Certificate, err error) {
			if raw == nil {
				return x, nil
			}
			p, err := x509.ParseCertificate(raw)
			if err != nil {
				return x, err
			}
			return *p, nil
		}),
		image.Holds[ed25519.PrivateKey](),
		image.Outside(
			ErrNoCertificate, ErrNoKey, ErrUnreadable, ErrKeyMismatch, ErrNotForClient, ErrUnknownCA, ErrExpired,
			ErrNotYetValid, ErrWrongName, ErrInvalid,
		),
	)
}
