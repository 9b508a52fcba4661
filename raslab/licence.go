package raslab

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// The encryption software of the facility is a licensed function: MAP4980 names the supporting
// software as a precondition of data-at-rest encryption and of TCT encryption. Assumptions: what a
// licence key looks like, that it is bound to the serial number, and that what is configured
// already works without it.

// LicenceKey is the licence key for encryption that the maker gives for a facility: 8
// groups of 4 hexadecimal digits.
func LicenceKey(serial string) string {
	sum := sha256.Sum256([]byte("encryption authorization " + serial))
	var groups []string
	for i := 0; i < 16; i += 2 {
		groups = append(groups, fmt.Sprintf("%04X", sum[i:i+2]))
	}
	return strings.Join(groups, "-")
}

// Licensed says whether the encryption software is licensed.
func (k *keys) Licensed() bool { return !k.unlicensed }

// InstallLicence installs a licence key for encryption. One of another facility is
// refused.
func (l *Lab) InstallLicence(key string) error {
	if !strings.EqualFold(strings.TrimSpace(key), LicenceKey(l.Serial())) {
		return refuse(ErrInvalid, "license install", "the licence key is not one for encryption on facility "+l.Serial(), "8 groups of 4 hexadecimal digits, ordered for this serial number, are right")
	}
	l.keys.unlicensed = false
	l.logf("licence", "encryption is licensed")
	return nil
}

// RemoveLicence takes the licence key out, as in a facility that was ordered without
// encryption.
func (l *Lab) RemoveLicence() {
	l.keys.unlicensed = true
	l.logf("licence", "encryption is not licensed")
}

// licensed refuses what needs the encryption software.
func (l *Lab) licensed(op string) error {
	if l.keys.unlicensed {
		return refuse(ErrState, op, "the encryption software is not licensed on facility "+l.Serial(), "install its licence key first")
	}
	return nil
}
