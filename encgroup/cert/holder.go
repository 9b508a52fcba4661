package cert

import (
	"fmt"
	"time"
)

// WarnBefore is how long before the end of a certificate's validity Check warns.
const WarnBefore = 30 * 24 * time.Hour

// Condition is what a certificate is like at a time.
type Condition uint8

// The conditions.
const (
	Valid       Condition = iota
	ExpiresSoon           // valid, and not for longer than WarnBefore
	Expired
	NotYetValid
)

func (c Condition) String() string {
	switch c {
	case Valid:
		return "valid"
	case ExpiresSoon:
		return "expires soon"
	case Expired:
		return "expired"
	case NotYetValid:
		return "not valid yet"
	}
	return fmt.Sprintf("condition %d", uint8(c))
}

// ConditionAt judges by the dates of the certificate alone. Its last moment is
// NotAfter (RFC 5280, section 4.1.2.5).
func ConditionAt(c *Certificate, now time.Time) Condition {
	x := c.X509()
	switch {
	case now.Before(x.NotBefore):
		return NotYetValid
	case now.After(x.NotAfter):
		return Expired
	case x.NotAfter.Sub(now) <= WarnBefore:
		return ExpiresSoon
	}
	return Valid
}

// Holder is the certificate with which a facility shows who it is.
type Holder struct {
	standard *Certificate
	own      *Certificate // nil: none was installed
}

// NewHolder begins with the default certificate of the facility's manufacture.
func NewHolder(standard *Certificate) *Holder {
	if standard == nil {
		panic("BUG: cert: a facility has a default certificate")
	}
	return &Holder{standard: standard}
}

// Current is the certificate in use.
func (h *Holder) Current() *Certificate {
	if h.own != nil {
		return h.own
	}
	return h.standard
}

// Customer says whether the certificate in use is one that the customer installed
// (showkeygrp: certificate CUSTOMER) and not the default one.
func (h *Holder) Customer() bool { return h.own != nil }

// Install takes a customer's certificate in use (PEM: the certificate and those
// of the authorities between it and the root; the private key that fits). It has to be valid now:
// ErrInvalid, ErrExpired, ErrNotYetValid. On an error the one before stays in use.
func (h *Holder) Install(certificates, key []byte, now time.Time) error {
	c, err := Parse(certificates, key)
	if err != nil {
		return err
	}
	switch ConditionAt(c, now) {
	case Expired:
		return fmt.Errorf("cert: install: %w: it ended %s", ErrExpired, c.X509().NotAfter.UTC().Format(time.RFC3339))
	case NotYetValid:
		return fmt.Errorf("cert: install: %w: it begins %s", ErrNotYetValid, c.X509().NotBefore.UTC().Format(time.RFC3339))
	}
	h.own = c
	return nil
}

// Remove goes back to the default certificate.
func (h *Holder) Remove() { h.own = nil }

// Expiry is the end of validity of the certificate in use, UTC.
func (h *Holder) Expiry() time.Time { return h.Current().X509().NotAfter.UTC() }

// Check tells what the certificate in use is like.
func (h *Holder) Check(now time.Time) Condition { return ConditionAt(h.Current(), now) }
