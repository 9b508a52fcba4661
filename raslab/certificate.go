package raslab

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// Certificates of the lab are real X.509, made and judged by package cert from the facility's
// stream of randomness and on the virtual clock. No handshake is computed: each side checks the
// other's certificate against the authorities that it trusts, the name and the time.

// certificateYears is how long the default certificates are good (assumption).
const certificateYears = 30

// certified is when the first certificates of a facility and of the customer's machines are valid.
func (o *Options) certified() (from, to time.Time) {
	return o.Start.AddDate(-1, 0, 0), o.Start.AddDate(certificateYears, 0, 0)
}

// certificateWhy says in one clause, without times, why a certificate was not accepted.
func certificateWhy(err error) string {
	switch {
	case errors.Is(err, cert.ErrUnknownCA):
		return "it comes from an unknown authority"
	case errors.Is(err, cert.ErrExpired), errors.Is(err, cert.ErrNotYetValid):
		return "it is expired or not valid yet"
	case errors.Is(err, cert.ErrWrongName):
		return pki.WrongName(err)
	case errors.Is(err, customer.ErrNotAccepted):
		return err.Error()
	}
	return "it cannot be verified"
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

// String is the certificate and until when it holds.
func (c CertificateInfo) String() string {
	if c.Kind == "" {
		return "no certificate"
	}
	return fmt.Sprintf("%s certificate of %s, expires %s%s", c.Kind, c.Subject, c.Expiry.Format(time.DateOnly), because(c.Warning))
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

// watch warns in the same way of the certificate that a key server shows in a handshake
// (assumption: the facility looks at the date).
func (m *keyManager) watch(l *Lab, c *cert.Certificate) {
	m.shown, m.seen = c, m.now(l)
	stage := c.Stage(m.now(l))
	if stage > m.warned {
		l.logf("certificate", "of key manager %d %s: %s", m.id, m.addr, c.Warning(m.now(l)))
	}
	m.warned = stage
}

// ImportCertificate installs a certificate of the customer as the one of the facility: PEM with the
// certificate, those of the authorities between it and a root, and the private key that fits. If it
// is refused, the previous one stays in use.
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
	maker  *cert.CA // that signs the default ones
	holder cert.Holder
	warned int
	last   *cert.Certificate // that was shown last
}

// shown is what the facility shows of its certificate; nil if it has none.
func (c *certificate) shown() *cert.Certificate {
	own := c.holder.Current()
	if own == nil {
		return nil
	}
	if c.last == nil || c.last.X509() != own.X509() {
		c.last = own.Shown()
	}
	return c.last
}

// DefaultCertificate installs the default certificate again.
func (l *Lab) DefaultCertificate() error {
	from, to := l.options.certified()
	c, err := l.certificate.maker.Issue(cert.Request{Name: "facility " + l.Serial(), From: from, To: to, Use: cert.Client})
	if err != nil {
		return fmt.Errorf("raslab: %w", err)
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
