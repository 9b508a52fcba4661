package cert

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What can be wrong with a file.
var (
	ErrNoCertificate = errors.New("the file holds no certificate")
	ErrNoKey         = errors.New("the file holds no private key")
	ErrUnreadable    = errors.New("a block of the file cannot be read")
	ErrKeyMismatch   = errors.New("the private key does not fit the certificate")
)

// Certificate is a certificate with its private key, and the certificates of the authorities
// between it and a root.
type Certificate struct {
	chain []*x509.Certificate  // its own first
	key   func() crypto.Signer // a closure keeps it from fmt; nil: it is somebody else's
}

// Of is a certificate that somebody else has shown, without its private key. TLS and PEM panic on
// it.
func Of(x *x509.Certificate) *Certificate { return shown([]*x509.Certificate{x}) }

// Shown is what the other side of a connection sees: the certificate and the authorities between it
// and a root, without the private key. TLS and PEM panic on it.
func (c *Certificate) Shown() *Certificate { return shown(c.chain) }

func shown(chain []*x509.Certificate) *Certificate {
	return &Certificate{chain: chain}
}

func (c *Certificate) private() crypto.Signer {
	if c.key == nil {
		panic("BUG: cert: the private key of somebody else")
	}
	return c.key()
}

// X509 is the certificate itself.
func (c *Certificate) X509() *x509.Certificate { return c.chain[0] }

// String names the subject, the issuer and the end of validity.
func (c *Certificate) String() string {
	x := c.X509()
	return fmt.Sprintf("certificate of %s by %s until %s", x.Subject.CommonName, x.Issuer.CommonName, x.NotAfter.UTC().Format(time.RFC3339))
}

// For says whether the certificate is for this use (RFC 5280, section 4.2.1.12: one that names no
// use is for any).
func (c *Certificate) For(u Use) bool {
	have := c.X509().ExtKeyUsage
	if len(have)+len(c.X509().UnknownExtKeyUsage) == 0 || slices.Contains(have, x509.ExtKeyUsageAny) {
		return true
	}
	for _, want := range u.extended() {
		if !slices.Contains(have, want) {
			return false
		}
	}
	return true
}

// TLS is the certificate as crypto/tls takes it.
func (c *Certificate) TLS() tls.Certificate {
	t := tls.Certificate{PrivateKey: c.private(), Leaf: c.X509()}
	for _, x := range c.chain {
		t.Certificate = append(t.Certificate, x.Raw)
	}
	return t
}

// PEM gives the certificates, the own one first, and the private key (PKCS #8),
// which is a secret.
func (c *Certificate) PEM() (certificates, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.private())
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	defer clear(der)
	return encode(c.chain...), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func encode(all ...*x509.Certificate) (out []byte) {
	for _, x := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Raw})...)
	}
	return out
}

// Parse reads a file in PEM:
//
//   - certificates, the own one first, then those between it and a root;
//   - before or after them the private key that fits, PKCS #8 and not encrypted (or another form
//     that tls.X509KeyPair takes).
//
// Errors: ErrNoCertificate, ErrNoKey, ErrUnreadable, ErrKeyMismatch. No error holds a part of the
// file.
func Parse(file []byte) (*Certificate, error) {
	chain, err := certificates(file)
	if err != nil {
		return nil, err
	}
	if !hasKey(file) {
		return nil, fmt.Errorf("cert: %w", ErrNoKey)
	}
	pair, err := tls.X509KeyPair(file, file)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return nil, fmt.Errorf("cert: %w", ErrKeyMismatch)
	case err != nil:
		return nil, fmt.Errorf("cert: %w: the private key", ErrUnreadable)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("cert: %w: the private key cannot sign", ErrUnreadable)
	}
	return &Certificate{chain, func() crypto.Signer { return signer }}, nil
}

// certificates reads the blocks that are certificates. The error is ErrNoCertificate if there are
// none.
func certificates(file []byte) (out []*x509.Certificate, err error) {
	for {
		var b *pem.Block
		if b, file = pem.Decode(file); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		x, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cert: %w: certificate %d", ErrUnreadable, len(out)+1)
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("cert: %w", ErrNoCertificate)
	}
	return out, nil
}

func hasKey(file []byte) bool {
	for {
		var b *pem.Block
		if b, file = pem.Decode(file); b == nil {
			return false
		}
		if strings.HasSuffix(b.Type, "PRIVATE KEY") {
			return true
		}
	}
}

// intermediates are the certificates between the own one and a root.
func (c *Certificate) intermediates() *x509.CertPool { return NewTrust(c.chain[1:]...).Pool() }
