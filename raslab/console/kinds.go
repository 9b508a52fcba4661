package console

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// The kinds of arguments. None reads the name of the facility.

var textKind = command.Text("any text")

var numberKind = command.Number

// nameKind is an identifier such as a slot, an array or a rank: it is compared in
// upper case, so that r0 is R0.
func nameKind(name, help string) Kind {
	return Kind{Name: name, Help: help, Parse: func(_, s string) (any, error) {
		if s == "" || strings.ContainsAny(s, " \t\n") {
			return nil, command.ErrKind
		}
		return strings.ToUpper(s), nil
	}}
}

// driveKind names a drive: a slot, a serial number, an identity. It is taken as it was typed,
// because a serial number may have blanks anywhere (SPC-4 fills short ones with them) and any case.
func driveKind(help string) Kind {
	return Kind{Name: "drive", Help: help, Parse: func(_, s string) (any, error) {
		if strings.TrimSpace(s) == "" {
			return nil, command.ErrKind
		}
		return s, nil
	}}
}

var seedKind = Kind{Name: "seed", Help: "a whole number from 0 to 18446744073709551615", Parse: func(_, s string) (any, error) {
	return ParseSeed(s)
}}

// ParseSeed reads a seed: a whole number from 0 to 2^64-1.
func ParseSeed(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errors.New("a seed is a whole number from 0 to 18446744073709551615, such as 7")
	}
	return n, nil
}

var durationKind = Kind{Name: "duration", Help: "a time such as 90m, 6h, 30d or 2y", Parse: func(_, s string) (any, error) {
	return parseDuration(s)
}}

// maxDuration bounds one step of the virtual clock.
const maxDuration = 100 * 365 * 24 * time.Hour

// parseDuration reads 45s, 90m, 6h, 30d (24 hours each), 2y (365 days each), and sums such as
// 1d12h.
func parseDuration(s string) (time.Duration, error) {
	bad := command.ErrKind
	var total time.Duration
	rest := s
	for rest != "" {
		i := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		if i == 0 || i == len(rest) {
			return 0, bad
		}
		n, err := strconv.ParseInt(rest[:i], 10, 32)
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'y': 365 * 24 * time.Hour}[rest[i]]
		switch {
		case unit == 0:
			return 0, bad
		case err != nil, time.Duration(n) > (maxDuration-total)/unit: // digits alone: an error is one of range
			return 0, errors.New("at most 100y at a time")
		}
		total += time.Duration(n) * unit
		rest = rest[i+1:]
	}
	switch {
	case s == "":
		return 0, bad
	case total == 0:
		return 0, errors.New("need more than 0, such as 90m, 6h, 30d or 2y")
	}
	return total, nil
}

var yesNo = []string{"yes", "no"}

var planKind = Kind{Name: "plan", Help: `a fault plan such as "(flash.erase.refused (OnIndex 0))"`, Parse: func(_, s string) (any, error) {
	return fault.Parse(s)
}}
