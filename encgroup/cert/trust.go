package cert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What can be wrong with a certificate.
var (
	ErrUnknownCA   = errors.New("the certificate comes from no authority that is trusted")
	ErrExpired     = errors.New("the certificate is expired")
	ErrNotYetValid = errors.New("the certificate is not valid yet")
	ErrWrongName   = errors.New("the certificate is for another name")
	ErrInvalid     = errors.New("the certificate is invalid")
)

// Trust is the authorities that one side believes. Its zero value believes
// nobody. It is not safe for concurrent use.
type Trust struct {
	roots    []*x509.Certificate
	verified []verified
}

// verified is a verification that succeeded: it holds as long as every
// certificate of the chain is valid.
type verified struct {
	cert     *Certificate
	host     string
	use      Use
	from, to time.Time
}

// verifiedMax is how many verifications are remembered; the oldest go.
const verifiedMax = 16

// NewTrust believes these authorities.
func NewTrust(roots ...*x509.Certificate) *Trust { return &Trust{roots: slices.Clone(roots)} }

// ParseTrust reads a file in PEM with one or more certificates of authorities. Errors:
// ErrNoCertificate, ErrUnreadable.
func ParseTrust(file []byte) (*Trust, error) {
	roots, err := certificates(file)
	if err != nil {
		return nil, err
	}
	return NewTrust(roots...), nil
}

// Believe adds an authority, or takes it out.
func (t *Trust) Believe(root *x509.Certificate, on bool) {
	t.roots = slices.DeleteFunc(t.roots, root.Equal)
	if on {
		t.roots = append(t.roots, root)
	}
	t.verified = nil
}

// PEM is the authorities as a file.
func (t *Trust) PEM() []byte { return encode(t.roots...) }

// Pool is the authorities as crypto/tls takes them.
func (t *Trust) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	for _, x := range t.roots {
		p.AddCert(x)
	}
	return p
}

// Verify judges a certificate at a time: by crypto/x509, chain, use, validity and,
// where host is not empty, the name. Errors: as above. What was verified once is
// remembered for as long as it is valid.
func (t *Trust) Verify(c *Certificate, host string, use Use, now time.Time) error {
	for _, v := range t.verified {
		if v.cert == c && v.host == host && v.use == use && !now.Before(v.from) && !now.After(v.to) {
			return nil
		}
	}
	o := x509.VerifyOptions{DNSName: host, Roots: t.Pool(), Intermediates: c.intermediates(), CurrentTime: now, KeyUsages: use.extended()}
	chains, err := c.X509().Verify(o)
	if err != nil {
		reason := Classify(err, now)
		if reason == nil {
			reason = ErrInvalid
		}
		return fmt.Errorf("cert: %w: %w", reason, err)
	}
	v := verified{cert: c, host: host, use: use, from: c.X509().NotBefore, to: c.X509().NotAfter}
	for _, x := range chains[0] {
		if x.NotBefore.After(v.from) {
			v.from = x.NotBefore
		}
		if x.NotAfter.Before(v.to) {
			v.to = x.NotAfter
		}
	}
	if len(t.verified) == verifiedMax {
		t.verified = t.verified[1:]
	}
	t.verified = append(t.verified, v)
	return nil
}

// Classify finds what is wrong with a certificate in an error of crypto/x509 or of a
// TLS handshake; nil if the error is about something else. now is when it happened: it
// tells a certificate that is expired from one that is not valid yet.
func Classify(err error, now time.Time) error {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &authority):
		return ErrUnknownCA
	case errors.As(err, &name):
		return ErrWrongName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore):
		return ErrNotYetValid
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ErrExpired
	case errors.As(err, &invalid):
		return ErrInvalid
	}
	return nil
}
