package raslab

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

// Certificates of the lab are real X.509, made and judged by package cert from the
// facility's stream of randomness and on the virtual clock. No handshake is computed:
// each side holds the other's certificate against the authorities that it trusts, the
// name and the time.

// certificateYears is how long the default certificates are good (assumption).
const certificateYears = 30

// authorities are those around one facility: the maker of the facility, the
// customer, and one that nobody here trusts unless told to.
type authorities struct {
	from, to                    time.Time
	factory, customer, stranger *cert.CA
}

func newPKI(entropy io.Reader, now time.Time, facility string) (*authorities, error) {
	p := &authorities{from: now.AddDate(-1, 0, 0), to: now.AddDate(certificateYears, 0, 0)}
	var err error
	for _, a := range []struct {
		name string
		to   **cert.CA
	}{{"facility factory CA", &p.factory}, {"customer CA of " + facility, &p.customer}, {"unknown CA", &p.stranger}} {
		if *a.to, err = cert.NewCA(a.name, p.from, p.to, entropy); err != nil {
			return nil, fmt.Errorf("raslab: %w", err)
		}
	}
	return p, nil
}

// of is an authority by what it is to the facility; "" is the customer's.
func (p *authorities) of(op, issuer string) (*cert.CA, error) {
	switch issuer {
	case "", "customer":
		return p.customer, nil
	case "factory":
		return p.factory, nil
	case "unknown":
		return p.stranger, nil
	}
	return nil, refuse(ErrInvalid, op, fmt.Sprintf("issuer %q", issuer), "customer, factory and unknown are right")
}

func issue(by *cert.CA, name string, use cert.Use, from, to time.Time) (*cert.Certificate, error) {
	q := cert.Request{Name: name, From: from, To: to, Use: use}
	if use == cert.Server {
		q.Hosts = []string{name}
	}
	c, err := by.Issue(q)
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	return c, nil
}

// Authority is the certificate of an authority in PEM: "customer" signs the
// certificates of the key servers, "factory" the facility's default one, and "unknown"
// is one that nobody here trusts unless told to.
func (l *Lab) Authority(issuer string) ([]byte, error) {
	a, err := l.pki.of("certificate authority", issuer)
	if err != nil {
		return nil, err
	}
	return a.PEM(), nil
}

// certificateWhy is an error of a verification as one clause without times: what
// is wrong.
func certificateWhy(err error) string {
	switch {
	case errors.Is(err, cert.ErrUnknownCA):
		return "it comes from an unknown authority"
	case errors.Is(err, cert.ErrExpired), errors.Is(err, cert.ErrNotYetValid):
		return "it is expired or not valid yet"
	case errors.Is(err, cert.ErrWrongName):
		return "it is for another name"
	}
	return "it cannot be verified"
}

// Reissue gives the key server a new certificate. By its issuer (as of Authority), the name that it is made out to ("" is the
// server's own) and its life it is good or bad; the facility finds out at its next connection.
func (h *KeyHost) Reissue(issuer, name string, life time.Duration) error {
	a, err := h.lab.pki.of("keyserver certificate", issuer)
	if err != nil {
		return err
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
	i, err := issue(a, name, cert.Server, from, h.lab.Now().Add(life))
	if err != nil {
		return err
	}
	h.ident = i
	h.lab.logf("key server", "%s has a new certificate: issued by %s, for %s, until %s", h.Name, a.Certificate().Subject.CommonName, name, i.X509().NotAfter.Format("2006-01-02 15:04:05"))
	return nil
}

// Distrust lets the key server take no client certificate of the facility's
// factory ("factory") or of the customer ("customer") any more; Trust reverses that.
func (h *KeyHost) Distrust(issuer string) error { return h.setTrust(issuer, false) }

// Trust is described at Distrust.
func (h *KeyHost) Trust(issuer string) error { return h.setTrust(issuer, true) }

func (h *KeyHost) setTrust(issuer string, on bool) error {
	if issuer != "factory" && issuer != "customer" {
		return refuse(ErrInvalid, "keyserver trust", fmt.Sprintf("issuer %q", issuer), "factory and customer are right")
	}
	a, err := h.lab.pki.of("keyserver trust", issuer)
	if err != nil {
		return err
	}
	h.trusts.Believe(a.Certificate(), on)
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

// FacilityCertificate describes the certificate of the facility.
func (l *Lab) FacilityCertificate() CertificateInfo {
	c := l.certificate.holder.Current()
	if c == nil {
		return CertificateInfo{Warning: "no certificate is installed"}
	}
	kind := map[bool]string{true: "CUSTOMER", false: "DEFAULT"}[l.certificate.holder.Customer()]
	return CertificateInfo{Kind: kind, Subject: c.X509().Subject.CommonName, Expiry: c.X509().NotAfter, Valid: c.Valid(l.Now()), Warning: c.Warning(l.Now())}
}

// watchCertificate warns of a certificate that expires soon, once at each stage.
func (l *Lab) watchCertificate() {
	c := l.certificate.holder.Current()
	if c == nil {
		return
	}
	stage := c.Stage(l.Now())
	if stage > l.certificate.warned {
		l.logf("certificate", "%s", c.Warning(l.Now()))
	}
	l.certificate.warned = stage
}

// watch warns in the same way of the certificate that a key server shows, which the
// facility sees in each handshake (assumption: it looks at the date).
func (m *keyManager) watch(l *Lab, c *cert.Certificate) {
	m.shown, m.seen = c, m.now(l)
	stage := c.Stage(m.now(l))
	if stage > m.warned {
		l.logf("certificate", "of key server %d %s: %s", m.id, m.addr, c.Warning(m.now(l)))
	}
	m.warned = stage
}

// CustomerCertificate makes a client certificate for the facility at the
// customer's authority, valid for life from now (default: as long as the default ones), and
// its private key, in PEM. It is what a customer would import, and a secret.
func (l *Lab) CustomerCertificate(life time.Duration) ([]byte, error) {
	to := l.pki.to
	if life > 0 {
		to = l.Now().Add(life)
	}
	c, err := issue(l.pki.customer, "facility "+l.Serial(), cert.Client, l.Now(), to)
	if err != nil {
		return nil, err
	}
	certificates, key, err := c.PEM()
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	return append(certificates, key...), nil
}

// ImportCertificate installs a certificate of the customer as the one of the
// facility: PEM with the certificate, those of the authorities between it and a root, and the
// private key that fits. What is refused leaves the one before in use.
func (l *Lab) ImportCertificate(data []byte) (CertificateInfo, error) {
	const op = "certificate import"
	err := l.certificate.holder.Install(data, l.Now())
	for _, r := range []struct {
		is          error
		what, right string
	}{
		{cert.ErrNoCertificate, "the file holds no certificate", "PEM with a block CERTIFICATE is right"},
		{cert.ErrNoKey, "the file holds no private key", "PEM with the certificate and a block PRIVATE KEY (PKCS #8) is right"},
		{cert.ErrKeyMismatch, "the private key does not fit the certificate", "both must come from one request"},
		{cert.ErrUnreadable, "the certificate or its private key cannot be read", "X.509 and PKCS #8 in PEM, not encrypted, are right"},
		{cert.ErrExpired, "the certificate is expired", "get a new one from its authority"},
		{cert.ErrNotYetValid, "the certificate is not valid yet", "look at its dates and at the clock"},
		{cert.ErrNotForClient, "the certificate is not for a client", "its extended key usage must allow client authentication"},
	} {
		if errors.Is(err, r.is) {
			return CertificateInfo{}, refuse(ErrInvalid, op, r.what, r.right)
		}
	}
	if err != nil {
		return CertificateInfo{}, fmt.Errorf("raslab: %w", err)
	}
	l.certificate.warned = 0
	c := l.certificate.holder.Current().X509()
	l.logf("certificate", "%s installed, until %s", c.Subject.CommonName, c.NotAfter.Format("2006-01-02 15:04:05"))
	return l.FacilityCertificate(), nil
}

// certificate is the facility's own.
type certificate struct {
	holder cert.Holder
	warned int
}

// DefaultCertificate installs the default certificate again.
func (l *Lab) DefaultCertificate() error {
	c, err := issue(l.pki.factory, "facility "+l.Serial(), cert.Client, l.pki.from, l.pki.to)
	if err != nil {
		return err
	}
	l.certificate.holder.Default(c)
	l.certificate.warned = 0
	return nil
}

// LoseCertificate takes the facility's certificate out of its store, as it may
// happen in a delivery without one.
func (l *Lab) LoseCertificate() {
	l.certificate.holder.Default(nil)
	l.logf("certificate", "the facility has no certificate")
}
