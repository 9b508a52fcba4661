package console

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func psidParam() Param {
	return Param{Name: "psid", Kind: textKind, Help: "the PSID as it stands on the label or in the file of the label, typed; without it, from a label that is at hand"}
}

// psid is a PSID as it was typed, else that of the label; its zero value if there is neither.
func (d *target) psid(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return d.Label.PSID, nil
	}
	return typedPSID(a)
}

func typedPSID(a Args) (drive.PIN, error) {
	if !a.Has("psid") {
		return drive.PIN{}, nil
	}
	pin, err := labelPIN(strings.TrimSpace(arg[string](a, "psid")))
	if err != nil {
		return drive.PIN{}, fmt.Errorf("psid: %w: type what the label says", err)
	}
	return pin, nil
}

// labelPIN reads a PIN of a label in either of its forms: its characters, as shelf create shows
// them, or two hexadecimal digits for each character, as labelText writes them. A text of
// hexadecimal digits alone that is as long as the characters counts as digits with some missing. A
// PIN itself consists of hexadecimal digits alone with a chance of 3 in 10^12.
func labelPIN(text string) (drive.PIN, error) {
	raw := []byte(text)
	if text != "" && strings.Trim(text, "0123456789abcdefABCDEF") == "" {
		if len(text) != 2*drive.PINSize {
			return drive.PIN{}, fmt.Errorf("%d hexadecimal digits, where %d are right", len(text), 2*drive.PINSize)
		}
		var err error
		if raw, err = hex.DecodeString(text); err != nil {
			panic("BUG: console: digits that are none")
		}
	}
	if len(raw) != drive.PINSize {
		return drive.PIN{}, fmt.Errorf("a PSID has %d characters, or %d hexadecimal digits in the file of a label", drive.PINSize, 2*drive.PINSize)
	}
	return drive.NewPIN(raw)
}
