package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// namesMax is how many of a certificate's names WrongName lists; nameMax is the length of a
// DNS name in bytes (RFC 1035, section 2.3.4), at which a longer one is cut.
const (
	namesMax = 4
	nameMax  = 255
)

// WrongName says which names a server's certificate has and which name was asked for, such as
// "it is for ks2.example, not for ks1.example". It is "" if err, from crypto/x509 or crypto/tls,
// is not about the name.
func WrongName(err error) string {
	var wrong x509.HostnameError
	if !errors.As(err, &wrong) {
		return ""
	}
	names := wrong.Certificate.DNSNames
	for _, ip := range wrong.Certificate.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	if len(names) == 0 {
		return "it is for no name or address, so not for " + printableName(wrong.Host)
	}
	shown := make([]string, min(len(names), namesMax))
	for i := range shown {
		shown[i] = printableName(names[i])
	}
	text := "it is for " + strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + ", not for " + printableName(wrong.Host)
}

// printableName quotes a name that would disturb a terminal: whoever answers chose it.
func printableName(s string) string {
	s = s[:min(len(s), nameMax)]
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
