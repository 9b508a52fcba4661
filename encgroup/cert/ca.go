package cert

import (
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// Use says whether a certificate is for a server, a client or both.
type Use uint8

// The uses.
const (
	Both Use = iota // as a server and as a client
	Server
	Client
)

func (u Use) extended() []x509.ExtKeyUsage {
	switch u {
	case Server:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case Client:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

// Request is what a certificate is made for.
type Request struct {
	Name     string   // common name, not empty
	Hosts    []string // names and addresses under which a server is reached; may be empty for a client
	From, To time.Time
	Use      Use
}

// CA is a certificate authority for labs. It is not safe for concurrent use.
type CA struct {
	own     *Certificate
	between []*x509.Certificate // from this one up to the root, without it
	entropy io.Reader
	serial  int64
}

// NewCA makes a root. It draws 32 bytes of entropy, and 32 more for each certificate that it
// issues.
func NewCA(name string, from, to time.Time, entropy io.Reader) (*CA, error) {
	ca := &CA{entropy: entropy, serial: 1}
	key, err := ca.draw()
	if err != nil {
		return nil, err
	}
	t := authority(1, name, from, to)
	ca.own, err = sign(t, t, key, key)
	return ca, err
}

// Subordinate makes an authority below this one. The certificates that it issues carry its own with
// them.
func (ca *CA) Subordinate(name string, from, to time.Time) (*CA, error) {
	key, err := ca.draw()
	if err != nil {
		return nil, err
	}
	ca.serial++
	sub := &CA{entropy: ca.entropy, serial: 1}
	if sub.own, err = sign(authority(ca.serial, name, from, to), ca.own.X509(), key, ca.own.private().(ed25519.PrivateKey)); err != nil {
		return nil, err
	}
	sub.between = append([]*x509.Certificate{sub.own.X509()}, ca.between...)
	return sub, nil
}

func authority(serial int64, name string, from, to time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: from.UTC(), NotAfter: to.UTC(),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
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

// Issue makes a certificate for a server, a client or both.
func (ca *CA) Issue(r Request) (*Certificate, error) {
	key, err := ca.draw()
	if err != nil {
		return nil, err
	}
	ca.serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial), Subject: pkix.Name{CommonName: r.Name}, NotBefore: r.From.UTC(), NotAfter: r.To.UTC(),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: r.Use.extended(),
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	c, err := sign(t, ca.own.X509(), key, ca.own.private().(ed25519.PrivateKey))
	if err == nil {
		c.chain = append(c.chain, ca.between...)
	}
	return c, err
}

// Certificate is the authority's own certificate.
func (ca *CA) Certificate() *x509.Certificate { return ca.own.X509() }

// PEM is the authority's own certificate as a file.
func (ca *CA) PEM() []byte { return encode(ca.Certificate()) }

// Pool is a pool of this authority alone.
func (ca *CA) Pool() *x509.CertPool { return NewTrust(ca.Certificate()).Pool() }

// ClientTLS is the configuration of a client that shows own (nil: none) and trusts roots, by the
// given clock. The caller sets ServerName, or dials with a function that takes it from the address.
func ClientTLS(own *Certificate, roots *x509.CertPool, clock func() time.Time) *tls.Config {
	c := &tls.Config{RootCAs: roots, Time: clock, MinVersion: tls.VersionTLS12}
	if own != nil {
		// With Certificates crypto/tls would show nothing to a server that names other authorities,
		// and the server could not say why it refuses.
		shown := own.TLS()
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
	}
	return c
}

// ServerTLS is the configuration of a server that shows own. If clients is not nil, it requires a
// client certificate of one of these roots.
func ServerTLS(own *Certificate, clients *x509.CertPool, clock func() time.Time) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{own.TLS()}, Time: clock, MinVersion: tls.VersionTLS12, CipherSuites: pki.Suites()}
	if clients != nil {
		c.ClientCAs, c.ClientAuth = clients, tls.RequireAndVerifyClientCert
	}
	return c
}
