package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"
)

// Validity is the life of the certificates that fdelab makes for a key server.
const Validity = 5 * 365 * 24 * time.Hour

// Pair is a certificate with its key.
type Pair struct {
	Cert *x509.Certificate
	key  func() *ecdsa.PrivateKey // a closure, so that no fmt verb gets at it
}

// Request is what a certificate is made for.
type Request struct {
	Name     string   // common name, 1 to 64 bytes; the organization is fdelab
	Hosts    []string // of a server: names and addresses by which it is reached
	From, To time.Time
}

// NewCA makes a certificate authority.
func NewCA(r Request, entropy io.Reader) (*Pair, error) {
	return issue(r, nil, entropy, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.MaxPathLenZero = true, true, true
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	})
}

// Server makes the certificate of a server.
func (ca *Pair) Server(r Request, entropy io.Reader) (*Pair, error) {
	if len(r.Hosts) == 0 {
		return nil, errors.New("pki: a server's certificate needs a host name or address")
	}
	return issue(r, ca, entropy, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, h := range r.Hosts {
			if ip := net.ParseIP(h); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			} else {
				c.DNSNames = append(c.DNSNames, h)
			}
		}
	})
}

// Client makes the certificate of a client.
func (ca *Pair) Client(r Request, entropy io.Reader) (*Pair, error) {
	return issue(r, ca, entropy, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
}

func issue(r Request, ca *Pair, entropy io.Reader, shape func(*x509.Certificate)) (*Pair, error) {
	if r.Name == "" || len(r.Name) > 64 {
		return nil, fmt.Errorf("pki: the common name has %d bytes, need 1 to 64", len(r.Name))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), entropy)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(entropy, serial); err != nil {
		return nil, fmt.Errorf("pki: no entropy: %w", err)
	}
	serial[0] = serial[0]&0x7f | 1
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{Organization: []string{"fdelab"}, CommonName: r.Name},
		NotBefore:    r.From,
		NotAfter:     r.To,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	shape(t)
	parent, signer := t, key
	if ca != nil {
		parent, signer = ca.Cert, ca.key()
	}
	der, err := x509.CreateCertificate(entropy, t, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	return &Pair{Cert: cert, key: func() *ecdsa.PrivateKey { return key }}, nil
}

// TLS is the pair as crypto/tls takes it.
func (p *Pair) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{p.Cert.Raw}, PrivateKey: p.key(), Leaf: p.Cert}
}

// Pool is a pool of this one certificate.
func (p *Pair) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.Cert)
	return pool
}

// Write writes the certificate to base.crt and the key to base.key.
func (p *Pair) Write(base string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key())
	if err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	defer clear(der)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	defer clear(key)
	if err := WriteNew(base+".key", key, 0o600); err != nil {
		return err
	}
	return p.WriteCertificate(base)
}

// WriteCertificate writes the certificate alone, to base.crt.
func (p *Pair) WriteCertificate(base string) error {
	return WriteNew(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Cert.Raw}), 0o644)
}

// Load reads a certificate and its private key, of any kind that crypto/tls knows, from two files
// in PEM. A key file that others may read is refused.
func Load(cert, key string) (tls.Certificate, error) {
	shown, err := os.ReadFile(cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: %w", err)
	}
	private, err := ReadPrivate(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer clear(private)
	pair, err := tls.X509KeyPair(shown, private)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pki: %s, %s: %w", cert, key, err)
	}
	return pair, nil
}

// Suites are the cipher suites of TLS 1.2 that servers take: those with forward secrecy and
// authenticated encryption. Those of CBC with SHA-1, which crypto/tls would take too, are not among
// them. Those of TLS 1.3 cannot be chosen.
func Suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// Read reads what Write wrote.
func Read(base string) (*Pair, error) {
	pair, err := Load(base+".crt", base+".key")
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("pki: %s.key is no ECDSA key", base)
	}
	return &Pair{Cert: pair.Leaf, key: func() *ecdsa.PrivateKey { return key }}, nil
}

// ReadPool reads certificates of authorities, one or more, from a PEM file.
func ReadPool(path string) (*x509.CertPool, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("pki: %s holds no certificate in PEM", path)
	}
	return pool, nil
}

// ClientTLS is the configuration of a client from three files in PEM: the
// authorities that it trusts, its certificate, its key, as for Load.
func ClientTLS(ca, cert, key string) (*tls.Config, error) {
	pool, err := ReadPool(ca)
	if err != nil {
		return nil, err
	}
	pair, err := Load(cert, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// privateMax bounds what ReadPrivate takes, in bytes: a device must not fill the memory.
const privateMax = 1 << 16

// ReadPrivate reads a file of at most 65,536 bytes that holds a secret. One that others may read is
// refused.
func ReadPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("pki: %s has mode %04o: others may read it, need 0600", path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, privateMax+1))
	if err != nil {
		return nil, fmt.Errorf("pki: %w", err)
	}
	if len(b) > privateMax {
		return nil, fmt.Errorf("pki: %s has more than %d bytes", path, privateMax)
	}
	return b, nil
}

// WriteNew writes a file that must not exist yet, and syncs it.
func WriteNew(path string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	return nil
}
