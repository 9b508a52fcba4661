package kmip

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// The Name of a data key is its label, a blank, 16 hexadecimal digits that make it unique, a
// dot, and 16 hexadecimal digits of check value: the first 8 bytes of what HKDF-SHA-256 makes of
// the data key with the Name up to the dot as its salt. 64 bits of that say nothing of a
// random key of 256 bits, and no other key has them by chance.

const hexDigits = 16

func nameFor(label string, unique [8]byte, key *secret.Key32) string {
	stem := fmt.Sprintf("%s %x", label, unique)
	return fmt.Sprintf("%s.%x", stem, checkValue(stem, key))
}

func checkValue(stem string, key *secret.Key32) []byte {
	d := secret.Derive32(key[:], []byte(stem), "fdelab data key check")
	defer d.Clear()
	return bytes.Clone(d[:hexDigits/2])
}

// splitName takes the check value off a Name; nil where it has none.
func splitName(name string) (stem string, check []byte) {
	dot := len(name) - hexDigits - 1
	if dot < hexDigits+1 || name[dot] != '.' || name[dot-hexDigits-1] != ' ' {
		return name, nil
	}
	if _, err := hex.DecodeString(name[dot-hexDigits : dot]); err != nil {
		return name, nil
	}
	check, err := hex.DecodeString(name[dot+1:])
	if err != nil || strings.ToLower(name[dot+1:]) != name[dot+1:] {
		return name, nil
	}
	return name[:dot], check
}

func checked(name string) bool { _, check := splitName(name); return check != nil }

// checkKey holds a key that came against its Name.
func checkKey(name string, key *secret.Key32) error {
	stem, check := splitName(name)
	if check != nil && subtle.ConstantTimeCompare(check, checkValue(stem, key)) != 1 {
		return errors.New("it is not the key that was registered by this name")
	}
	return nil
}
