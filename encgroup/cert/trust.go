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
	roots  []*x509.Certificate
	judged []judgement `image:"wired"` // a memory of results, which is empty after an image
}

// judgement is a verification and its result. The result depends on the time only through the dates
// of the certificates concerned, so it holds from one of these dates to the next.
type judgement struct {
	cert  *Certificate
	host  string
	use   Use
	after time.Time // holds after this moment; zero: always
	until time.Time // holds up to this moment, included; zero: for ever
	err   error
}

func (j *judgement) holds(now time.Time) bool {
	return (j.after.IsZero() || now.After(j.after)) && (j.until.IsZero() || !now.After(j.until))
}

// judgedMax is how many judgements are remembered; the oldest goes first.
const judgedMax = 16

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
	t.judged = nil
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

// Verify judges a certificate at a time, by crypto/x509: chain, use, validity and, if host is not
// empty, the name. Errors: as above. A judgement is remembered until the next date that can change
// it, because a refused certificate is shown again and again.
func (t *Trust) Verify(c *Certificate, host string, use Use, now time.Time) error {
	for i := range t.judged {
		if j := &t.judged[i]; j.cert == c && j.host == host && j.use == use && j.holds(now) {
			return j.err
		}
	}
	j := judgement{cert: c, host: host, use: use, err: t.verify(c, host, use, now)}
	j.after, j.until = t.span(c, now)
	if len(t.judged) == judgedMax {
		t.judged = t.judged[1:]
	}
	t.judged = append(t.judged, j)
	return j.err
}

// span is the time around now in which no certificate concerned becomes valid or ends.
func (t *Trust) span(c *Certificate, now time.Time) (after, until time.Time) {
	for _, x := range slices.Concat(t.roots, c.chain) {
		// It is valid from NotBefore to NotAfter, both included.
		for _, edge := range []time.Time{x.NotBefore.Add(-1), x.NotAfter} {
			if edge.Before(now) {
				if after.IsZero() || edge.After(after) {
					after = edge
				}
			} else if until.IsZero() || edge.Before(until) {
				until = edge
			}
		}
	}
	return after, until
}

func (t *Trust) verify(c *Certificate, host string, use Use, now time.Time) error {
	o := x509.VerifyOptions{DNSName: host, Roots: t.Pool(), Intermediates: c.intermediates(), CurrentTime: now, KeyUsages: use.extended()}
	if _, err := c.X509().Verify(o); err != nil {
		reason := Classify(err, now)
		if reason == nil {
			reason = ErrInvalid
		}
		if reason == ErrExpired || reason == ErrNotYetValid {
			// The text of crypto/x509 has the time now, which is wrong in a remembered error.
			return fmt.Errorf("cert: %w", reason)
		}
		return fmt.Errorf("cert: %w: %w", reason, err)
	}
	return nil
}

// Classify finds what is wrong with a certificate in an error of crypto/x509 or of a TLS handshake;
// nil if the error is about something else. now is the time of the error, by which a certificate is
// expired or not valid yet.
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
