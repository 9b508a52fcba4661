package cert

import (
	"errors"
	"fmt"
	"time"
)

// ErrNotForClient means that a certificate may not be shown by a client.
var ErrNotForClient = errors.New("the certificate is not for a client")

// warnings are the days before its end at which a certificate is warned of.
var warnings = []int{90, 30, 7, 1}

// Stage counts the warnings that are due for a certificate, and one more once it has expired. A
// caller that keeps the last stage warns when it grows. The last moment of a certificate is
// NotAfter (RFC 5280, section 4.1.2.5).
func (c *Certificate) Stage(now time.Time) (n int) {
	left := c.X509().NotAfter.Sub(now)
	for _, d := range warnings {
		if left <= time.Duration(d)*24*time.Hour {
			n++
		}
	}
	if left < 0 {
		n++
	}
	return n
}

// Valid says whether now is between its dates.
func (c *Certificate) Valid(now time.Time) bool {
	return !now.Before(c.X509().NotBefore) && !now.After(c.X509().NotAfter)
}

// Warning says that the certificate ends soon or is not valid; "" if neither is so.
func (c *Certificate) Warning(now time.Time) string {
	switch {
	case !c.Valid(now):
		return "the certificate is expired or not valid yet"
	case c.Stage(now) == 0:
		return ""
	}
	left, unit := int(c.X509().NotAfter.Sub(now).Hours()), "hour"
	switch {
	case left == 0:
		return "the certificate expires in less than an hour"
	case left >= 24:
		left, unit = left/24, "day"
	}
	if left > 1 {
		unit += "s"
	}
	return fmt.Sprintf("the certificate expires in %d %s", left, unit)
}

// Holder is the facility's own certificate. Its zero value has none.
type Holder struct {
	current  *Certificate
	customer bool
}

// Current is the certificate in use; nil if there is none.
func (h *Holder) Current() *Certificate { return h.current }

// Customer says whether the certificate in use is one that the customer installed
// (showkeygrp: certificate CUSTOMER) and not the default one.
func (h *Holder) Customer() bool { return h.customer }

// Default puts the certificate of the facility's manufacture in use; nil leaves none in use.
func (h *Holder) Default(c *Certificate) { h.current, h.customer = c, false }

// Install puts a customer's certificate in use, from a file as Parse takes it. It has to be valid
// now and for a client. On an error the former one stays in use. Errors: those of Parse,
// ErrExpired, ErrNotYetValid, ErrNotForClient.
func (h *Holder) Install(file []byte, now time.Time) error {
	c, err := Parse(file)
	switch {
	case err != nil:
		return err
	case now.After(c.X509().NotAfter):
		return fmt.Errorf("cert: install: %w", ErrExpired)
	case now.Before(c.X509().NotBefore):
		return fmt.Errorf("cert: install: %w", ErrNotYetValid)
	case !c.For(Client):
		return fmt.Errorf("cert: install: %w", ErrNotForClient)
	}
	h.current, h.customer = c, true
	return nil
}
