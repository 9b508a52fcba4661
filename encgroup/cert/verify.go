package cert

import (
	"crypto/x509"
	"errors"
	"fmt"
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

// Verify judges a certificate at a time: by crypto/x509, chain and validity and,
// where host is not empty, the name. Errors: as above.
func Verify(c *Certificate, roots *x509.CertPool, host string, now time.Time) error {
	_, err := c.X509().Verify(x509.VerifyOptions{
		DNSName: host, Roots: roots, Intermediates: c.intermediates(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		return nil
	}
	if reason := Classify(err, now); reason != nil {
		return fmt.Errorf("cert: %w: %w", reason, err)
	}
	return fmt.Errorf("cert: %w: %w", ErrInvalid, err)
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
