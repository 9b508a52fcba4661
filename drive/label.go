package drive

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// The lines of a label file.
const (
	labelSerial = "serial: "
	labelMSID   = "msid: "
	labelPSID   = "psid: "
)

// ErrNoLabel says that a text is not the file of a label.
var ErrNoLabel = errors.New("not the file of a label")

// File is the label as it is kept in a file, a line each for serial number, MSID and PSID. The caller
// clears it. ParseLabel reads it.
func (l Label) File() []byte {
	b := make([]byte, 0, 256) // in one place, so that no copy of the PSID is left behind
	b = append(append(append(b, labelSerial...), l.Serial...), '\n')
	for _, p := range []struct {
		name string
		pin  PIN
	}{{labelMSID, l.MSID}, {labelPSID, l.PSID}} {
		b = append(append(append(b, p.name...), p.pin.raw()...), '\n')
	}
	return b
}

// ParseLabel reads the file of a label. Lines of other kinds are passed over, so that notes may stand
// there. It also reads what fdelab's shell wrote before it had this form: the line "fdelab label of a
// drive", and then the serial number in quotes and the PINs in hexadecimal. The error wraps ErrNoLabel
// where the text has no lines of a label, and holds no part of a PIN. b is the caller's to clear.
func ParseLabel(b []byte) (Label, error) {
	names, quoted := [3]string{labelSerial, labelMSID, labelPSID}, false
	if bytes.HasPrefix(b, []byte("fdelab label of a drive")) {
		names, quoted = [3]string{"serial ", "MSID ", "PSID "}, true
	}
	var lines [3][]byte
	found := 0
	for line := range bytes.Lines(b) {
		for i, name := range names {
			if value, ok := bytes.CutPrefix(line, []byte(name)); ok && lines[i] == nil {
				lines[i] = bytes.TrimRight(value, "\r\n")
				found++
			}
		}
	}
	if found == 0 {
		return Label{}, fmt.Errorf("%w: want a line each that begins with %q, %q and %q", ErrNoLabel, labelSerial, labelMSID, labelPSID)
	}
	for i, line := range lines {
		if line == nil {
			return Label{}, fmt.Errorf("the label has no line that begins with %q", names[i])
		}
	}
	l := Label{Serial: string(lines[0])}
	if quoted {
		var err error
		if l.Serial, err = strconv.Unquote(l.Serial); err != nil {
			return Label{}, errors.New("the serial number of the label is not in quotes")
		}
	}
	for i, to := range []*PIN{&l.MSID, &l.PSID} {
		pin, err := LabelPIN(lines[1+i])
		if err != nil {
			return Label{}, fmt.Errorf("the line %q of the label: %w", names[1+i], err)
		}
		*to = pin
	}
	return l, nil
}

// LabelPIN reads a PIN of a label: its 32 characters, or two hexadecimal digits for each of them. A text
// of hexadecimal digits alone that has another length counts as digits with some missing. A PIN itself
// consists of hexadecimal digits alone with a chance of 3 in 10^12. text is the caller's to clear.
func LabelPIN(text []byte) (PIN, error) {
	if len(text) == 0 || len(bytes.Trim(text, "0123456789abcdefABCDEF")) > 0 {
		if len(text) != PINSize {
			return PIN{}, fmt.Errorf("a PIN of a label has %d characters, or %d hexadecimal digits", PINSize, 2*PINSize)
		}
		return NewPIN(text)
	}
	if len(text) != 2*PINSize {
		return PIN{}, fmt.Errorf("%d hexadecimal digits, where %d are right", len(text), 2*PINSize)
	}
	var raw [PINSize]byte
	defer clear(raw[:])
	if _, err := hex.Decode(raw[:], text); err != nil {
		panic("BUG: drive: digits that are none")
	}
	return NewPIN(raw[:])
}
