package cert

import (
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"time"
)

// Certificate is a certificate with its private key, and those of the
// authorities between it and a root.
type Certificate struct {
	chain []*x509.Certificate  // its own first
	key   func() crypto.Signer // a closure keeps it from fmt
}

// X509 is the certificate itself.
func (c *Certificate) X509() *x509.Certificate { return c.chain[0] }

// String names the subject, the issuer and the end of validity.
func (c *Certificate) String() string {
	x := c.X509()
	return fmt.Sprintf("certificate of %s by %s until %s", x.Subject.CommonName, x.Issuer.CommonName, x.NotAfter.UTC().Format(time.RFC3339))
}

// TLS is the certificate as crypto/tls takes it.
func (c *Certificate) TLS() tls.Certificate {
	t := tls.Certificate{PrivateKey: c.key(), Leaf: c.X509()}
	for _, x := range c.chain {
		t.Certificate = append(t.Certificate, x.Raw)
	}
	return t
}

// PEM gives the certificates and the private key (PKCS #8), which is a secret.
func (c *Certificate) PEM() (certificates, key []byte, err error) {
	for _, x := range c.chain {
		certificates = append(certificates, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: x.Raw})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.key())
	if err != nil {
		return nil, nil, fmt.Errorf("cert: %w", err)
	}
	defer clear(der)
	return certificates, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Parse reads certificates, the own one first, and the key that fits it.
func Parse(certificates, key []byte) (*Certificate, error) {
	pair, err := tls.X509KeyPair(certificates, key)
	if err != nil {
		return nil, fmt.Errorf("cert: %w: %w", ErrInvalid, err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("cert: %w: a key that can not sign", ErrInvalid)
	}
	c := &Certificate{key: func() crypto.Signer { return signer }}
	for _, der := range pair.Certificate {
		x, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("cert: %w: %w", ErrInvalid, err)
		}
		c.chain = append(c.chain, x)
	}
	return c, nil
}

// Request is what a certificate is made for.
type Request struct {
	Name     string   // common name, not empty
	Hosts    []string // names and addresses under which a server is reached; may be empty for a client
	From, To time.Time
}

// CA is a certificate authority for labs. It is not safe for concurrent use.
type CA struct {
	own     *Certificate
	entropy io.Reader
	serial  int64
}

// NewCA makes a root. It draws 32 bytes of entropy, and as many for each certificate
// that it issues.
func NewCA(name string, from, to time.Time, entropy io.Reader) (*CA, error) {
	ca := &CA{entropy: entropy, serial: 1}
	key, err := ca.draw()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from.UTC(), NotAfter: to.UTC(),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca.own, err = sign(t, t, key, key)
	return ca, err
}

func (ca *CA) draw() (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(ca.entropy, seed); err != nil {
		return nil, fmt.Errorf("cert: no key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func sign(t, by *x509.Certificate, key, with ed25519.PrivateKey) (*Certificate, error) {
	if t.Subject.CommonName == "" || !t.NotBefore.Before(t.NotAfter) {
		return nil, errors.New("cert: a certificate needs a name, and an end after its beginning")
	}
	// Ed25519 signatures draw nothing (RFC 8032), so no random source is needed.
	der, err := x509.CreateCertificate(nil, t, by, key.Public(), with)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	return &Certificate{[]*x509.Certificate{x}, func() crypto.Signer { return key }}, nil
}

// Issue makes a certificate for a server or a client: it may be used as either.
func (ca *CA) Issue(r Request) (*Certificate, error) {
	key, err := ca.draw()
	if err != nil {
		return nil, err
	}
	ca.serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial), Subject: pkix.Name{CommonName: r.Name}, NotBefore: r.From.UTC(), NotAfter: r.To.UTC(),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return sign(t, ca.own.X509(), key, ca.own.key().(ed25519.PrivateKey))
}

// Certificate is the root itself.
func (ca *CA) Certificate() *x509.Certificate { return ca.own.X509() }

// Pool is a pool of this root alone.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Certificate())
	return p
}

// ClientTLS is the configuration of a client that shows own (nil: none) and
// trusts roots, at the time that clock tells. The name of the server has to be set, or is
// taken from the address by what dials.
func ClientTLS(own *Certificate, roots *x509.CertPool, clock func() time.Time) *tls.Config {
	c := &tls.Config{RootCAs: roots, Time: clock, MinVersion: tls.VersionTLS12}
	if own != nil {
		// With Certificates alone crypto/tls would show nothing to a server that
		// names other authorities, and the server could not say why it refuses.
		shown := own.TLS()
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
	}
	return c
}

// ServerTLS is that of a server; where clients is not nil it asks for a client certificate
// of one of these roots.
func ServerTLS(own *Certificate, clients *x509.CertPool, clock func() time.Time) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{own.TLS()}, Time: clock, MinVersion: tls.VersionTLS12}
	if clients != nil {
		c.ClientCAs, c.ClientAuth = clients, tls.RequireAndVerifyClientCert
	}
	return c
}

// intermediates are the certificates between the own one and a root.
func (c *Certificate) intermediates() *x509.CertPool {
	p := x509.NewCertPool()
	for _, x := range slices.Clone(c.chain)[1:] {
		p.AddCert(x)
	}
	return p
}
