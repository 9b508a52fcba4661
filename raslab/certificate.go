package raslab

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Certificates of the lab are real X.509 with Ed25519 keys drawn from the
// facility's stream of randomness (RFC 8410), and are verified by crypto/x509 on the
// virtual clock. No handshake is computed: each side holds the other's certificate
// against the authorities that it trusts, the name and the time.

// certificateYears is how long the default certificates are good (assumption).
const certificateYears = 30

// authority is a certificate authority.
type authority struct {
	pki  *authorities
	cert *x509.Certificate
	pool *x509.CertPool
	key  func() ed25519.PrivateKey
}

// identity is a certificate; the lab needs no private key to show it.
type identity struct {
	cert     *x509.Certificate
	verified []verified
}

// verified is a verification that succeeded: it holds as long as every
// certificate of the chain is valid.
type verified struct {
	by       *authority
	name     string
	from, to time.Time
}

// authorities are those around one facility: the maker of the facility, the
// customer, and one that nobody here trusts.
type authorities struct {
	entropy                     io.Reader
	serial                      int64
	from, to                    time.Time
	factory, customer, stranger *authority
}

func newPKI(entropy io.Reader, now time.Time, facility string) (*authorities, error) {
	p := &authorities{entropy: entropy, from: now.AddDate(-1, 0, 0), to: now.AddDate(certificateYears, 0, 0)}
	var err error
	for _, a := range []struct {
		name string
		to   **authority
	}{{"facility factory CA", &p.factory}, {"customer CA of " + facility, &p.customer}, {"unknown CA", &p.stranger}} {
		if *a.to, err = p.newAuthority(a.name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *authorities) newKey() (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(p.entropy, seed); err != nil {
		return nil, fmt.Errorf("raslab: certificate: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (p *authorities) template(name string, from, to time.Time) *x509.Certificate {
	p.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{Organization: []string{"fdelab"}, CommonName: name},
		NotBefore: from, NotAfter: to, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}

func (p *authorities) newAuthority(name string) (*authority, error) {
	key, err := p.newKey()
	if err != nil {
		return nil, err
	}
	t := p.template(name, p.from, p.to)
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign
	c, err := p.issue(t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	a := &authority{pki: p, cert: c, pool: x509.NewCertPool(), key: func() ed25519.PrivateKey { return key }}
	a.pool.AddCert(c)
	return a, nil
}

func (p *authorities) issue(t, parent *x509.Certificate, public any, signer ed25519.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(p.entropy, t, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("raslab: certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("raslab: certificate: %w", err)
	}
	return c, nil
}

func (a *authority) server(name string, from, to time.Time) (*identity, error) {
	return a.sign(name, from, to, x509.ExtKeyUsageServerAuth)
}

func (a *authority) client(name string, from, to time.Time) (*identity, error) {
	return a.sign(name, from, to, x509.ExtKeyUsageClientAuth)
}

func (a *authority) sign(name string, from, to time.Time, use x509.ExtKeyUsage) (*identity, error) {
	key, err := a.pki.newKey()
	if err != nil {
		return nil, err
	}
	t := a.pki.template(name, from, to)
	t.ExtKeyUsage = []x509.ExtKeyUsage{use}
	if use == x509.ExtKeyUsageServerAuth {
		t.DNSNames = []string{name}
	}
	c, err := a.pki.issue(t, a.cert, key.Public(), a.key())
	if err != nil {
		return nil, err
	}
	return &identity{cert: c}, nil
}

// verify holds a certificate against the authorities, a name (of a server) and the
// time. What was verified once is remembered for as long as it is valid.
func (i *identity) verify(by []*authority, name string, now time.Time, use x509.ExtKeyUsage) error {
	for _, v := range i.verified {
		for _, a := range by {
			if v.by == a && v.name == name && !now.Before(v.from) && !now.After(v.to) {
				return nil
			}
		}
	}
	var first error
	for _, a := range by {
		chains, err := i.cert.Verify(x509.VerifyOptions{Roots: a.pool, DNSName: name, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
		if err == nil {
			v := verified{by: a, name: name, from: i.cert.NotBefore, to: i.cert.NotAfter}
			for _, c := range chains[0] {
				if c.NotBefore.After(v.from) {
					v.from = c.NotBefore
				}
				if c.NotAfter.Before(v.to) {
					v.to = c.NotAfter
				}
			}
			i.verified = append(i.verified, v)
			return nil
		}
		var unknown x509.UnknownAuthorityError
		if first == nil || errors.As(first, &unknown) {
			first = err
		}
	}
	if first == nil {
		return errors.New("no authority is trusted")
	}
	return first
}

// certificateWhy is an error of a verification as one clause without times: what
// is wrong.
func certificateWhy(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
	)
	switch {
	case errors.As(err, &unknown):
		return "it comes from an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is expired or not valid yet"
	case errors.As(err, &name):
		return "it is for another name"
	}
	return "it can not be verified"
}

// Reissue gives the key server a new certificate. By its issuer ("customer", or
// "unknown": an authority that nobody here trusts), the name that it is made out to ("" is the
// server's own) and its life it is good or bad; the facility finds out at its next connection.
func (h *KeyHost) Reissue(issuer, name string, life time.Duration) error {
	a := h.lab.pki.customer
	switch issuer {
	case "", "customer":
	case "unknown":
		a = h.lab.pki.stranger
	default:
		return refuse(ErrInvalid, "keyserver certificate", fmt.Sprintf("issuer %q", issuer), "customer and unknown are right")
	}
	if name == "" {
		name = h.Name
	}
	if life == 0 {
		life = h.lab.pki.to.Sub(h.lab.Now())
	}
	from := h.lab.Now()
	if life < 0 {
		from = from.Add(2 * life) // expired when it was made
	}
	i, err := a.server(name, from, h.lab.Now().Add(life))
	if err != nil {
		return err
	}
	h.ident = i
	h.lab.logf("key server", "%s has a new certificate: issued by %s, for %s, until %s", h.Name, a.cert.Subject.CommonName, name, i.cert.NotAfter.Format("2006-01-02 15:04:05"))
	return nil
}

// Distrust lets the key server take no client certificate of the facility's
// factory ("factory") or of the customer ("customer") any more; Trust reverses that.
func (h *KeyHost) Distrust(issuer string) error { return h.setTrust(issuer, false) }

// Trust is described at Distrust.
func (h *KeyHost) Trust(issuer string) error { return h.setTrust(issuer, true) }

func (h *KeyHost) setTrust(issuer string, on bool) error {
	var a *authority
	switch issuer {
	case "factory":
		a = h.lab.pki.factory
	case "customer":
		a = h.lab.pki.customer
	default:
		return refuse(ErrInvalid, "keyserver trust", fmt.Sprintf("issuer %q", issuer), "factory and customer are right")
	}
	var keep []*authority
	for _, o := range h.trusts {
		if o != a {
			keep = append(keep, o)
		}
	}
	if on {
		keep = append(keep, a)
	}
	h.trusts = keep
	h.lab.logf("key server", "%s %s client certificates of the %s", h.Name, map[bool]string{true: "takes", false: "takes no"}[on], issuer)
	return nil
}

// CertificateInfo is the certificate that the facility shows to key servers
// (assumption: one for the whole facility).
type CertificateInfo struct {
	Kind    string // "DEFAULT" or "CUSTOMER"; "" if none is installed
	Subject string // common name
	Expiry  time.Time
	Valid   bool   // now
	Warning string // "" or one clause: it expires soon, it is expired
}

// certificateWarnings are the days before its expiry at which a certificate is
// warned of (assumption).
var certificateWarnings = []int{90, 30, 7, 1}

// FacilityCertificate describes the certificate of the facility.
func (l *Lab) FacilityCertificate() CertificateInfo {
	if l.own == nil {
		return CertificateInfo{Warning: "no certificate is installed"}
	}
	c := l.own.cert
	i := CertificateInfo{Kind: l.ownKind, Subject: c.Subject.CommonName, Expiry: c.NotAfter, Valid: !l.Now().Before(c.NotBefore) && !l.Now().After(c.NotAfter)}
	switch {
	case !i.Valid:
		i.Warning = "the certificate is expired or not valid yet"
	case c.NotAfter.Sub(l.Now()) <= time.Duration(certificateWarnings[0])*24*time.Hour:
		days, unit := int(c.NotAfter.Sub(l.Now()).Hours()/24), "days"
		if days == 1 {
			unit = "day"
		}
		i.Warning = fmt.Sprintf("the certificate expires in %d %s", days, unit)
	}
	return i
}

// watchCertificate warns of a certificate that expires soon, once at each of the
// certificateWarnings and once when it is too late.
func (l *Lab) watchCertificate() {
	if l.own == nil {
		return
	}
	left := l.own.cert.NotAfter.Sub(l.Now())
	stage := 0
	for _, d := range certificateWarnings {
		if left <= time.Duration(d)*24*time.Hour {
			stage++
		}
	}
	if left < 0 {
		stage++
	}
	if stage > l.ownWarned {
		l.logf("certificate", "%s", l.FacilityCertificate().Warning)
	}
	l.ownWarned = stage
}

// CustomerCertificate makes a client certificate for the facility at the
// customer's authority, valid for life from now (default: as long as the default ones), in
// PEM. It is what a customer would import.
func (l *Lab) CustomerCertificate(life time.Duration) ([]byte, error) {
	to := l.pki.to
	if life > 0 {
		to = l.Now().Add(life)
	}
	i, err := l.pki.customer.client("facility "+l.Serial(), l.Now(), to)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}), nil
}

// ImportCertificate installs a certificate of the customer (PEM) as the one of the
// facility. One that is expired, or not for a client, is refused.
func (l *Lab) ImportCertificate(data []byte) (CertificateInfo, error) {
	const op = "certificate import"
	b, _ := pem.Decode(data)
	if b == nil || b.Type != "CERTIFICATE" {
		return CertificateInfo{}, refuse(ErrInvalid, op, "the file holds no certificate", "PEM with a block CERTIFICATE is right")
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return CertificateInfo{}, refuse(ErrInvalid, op, "the certificate can not be read", "X.509 in PEM is right")
	}
	if l.Now().After(c.NotAfter) || l.Now().Before(c.NotBefore) {
		return CertificateInfo{}, refuse(ErrInvalid, op, "the certificate is expired or not valid yet", "get a new one from its authority")
	}
	client := len(c.ExtKeyUsage) == 0
	for _, u := range c.ExtKeyUsage {
		client = client || u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny
	}
	if !client {
		return CertificateInfo{}, refuse(ErrInvalid, op, "the certificate is not for a client", "its extended key usage must allow client authentication")
	}
	l.own, l.ownKind, l.ownWarned = &identity{cert: c}, "CUSTOMER", 0
	l.logf("certificate", "%s installed, until %s", c.Subject.CommonName, c.NotAfter.Format("2006-01-02 15:04:05"))
	return l.FacilityCertificate(), nil
}

// DefaultCertificate installs the default certificate again.
func (l *Lab) DefaultCertificate() error {
	i, err := l.pki.factory.client("facility "+l.Serial(), l.pki.from, l.pki.to)
	if err != nil {
		return err
	}
	l.own, l.ownKind, l.ownWarned = i, "DEFAULT", 0
	return nil
}

// LoseCertificate takes the facility's certificate out of its store, as it may
// happen in a delivery without one.
func (l *Lab) LoseCertificate() {
	l.own, l.ownKind = nil, ""
	l.logf("certificate", "the facility has no certificate")
}
