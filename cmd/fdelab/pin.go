package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// pinSource is where a PIN comes from: never an argument.
type pinSource struct {
	name      string // of its flags: --NAME-file, --NAME-env
	file, env string
	twice     bool // a new PIN is asked for twice
}

// flags adds the two flags of a PIN to a command; whose is said in their help.
func (s *pinSource) flags(c *cobra.Command, name, whose string) {
	s.name = name
	c.Flags().StringVar(&s.file, name+"-file", "", "file with "+whose+"; mode 0600")
	c.Flags().StringVar(&s.env, name+"-env", "", "environment variable with "+whose)
}

// named says whether the command line says where the PIN is.
func (s pinSource) named() bool { return s.file != "" || s.env != "" }

// read gets the PIN, which the caller clears. what is what a person is asked for.
func (s pinSource) read(a *app, what string) (drive.PIN, error) {
	switch {
	case s.file != "" && s.env != "":
		return drive.PIN{}, usagef("--%s-file and --%s-env are given: need one of them", s.name, s.name)
	case s.file != "":
		b, err := pki.ReadPrivate(s.file)
		if err != nil {
			return drive.PIN{}, cannotf("%s: %s", what, strings.TrimPrefix(err.Error(), "pki: "))
		}
		defer clear(b)
		return s.parse(b, s.file)
	case s.env != "":
		text, ok := os.LookupEnv(s.env)
		if !ok {
			return drive.PIN{}, usagef("--%s-env: the environment has no variable %s", s.name, s.env)
		}
		b := []byte(text)
		defer clear(b)
		return s.parse(b, "the variable "+s.env)
	}
	return s.ask(a, what)
}

// ask reads a PIN from the terminal, which does not show it.
func (s pinSource) ask(a *app, what string) (drive.PIN, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return drive.PIN{}, usagef("need the %s: give --%s-file or --%s-env, or run it at a terminal", what, s.name, s.name)
	}
	line := func(prompt string) ([]byte, error) {
		b, err := unseenLine(f, a.err, oneLine(prompt)+": ")
		if err != nil {
			return nil, cannotf("%s: %w", what, err)
		}
		return b, nil
	}
	b, err := line(what)
	if err != nil {
		return drive.PIN{}, err
	}
	defer clear(b)
	if s.twice {
		again, err := line("the same again")
		if err != nil {
			return drive.PIN{}, err
		}
		defer clear(again)
		if !bytes.Equal(b, again) {
			return drive.PIN{}, usagef("the two are not the same: nothing was changed")
		}
	}
	return s.parse(b, "what was typed")
}

// unseenLine reads a line from a terminal that shows nothing of it, also not of what is typed before
// the prompt is there: x/term would turn the echo off behind it.
func unseenLine(f *os.File, out io.Writer, prompt string) (line []byte, err error) {
	was, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, term.Restore(int(f.Fd()), was)) }()
	fmt.Fprint(out, prompt)
	defer fmt.Fprint(out, "\r\n")
	line = make([]byte, 0, 256) // in one place, so that no copy is left behind
	key := make([]byte, 1)
	for {
		if _, err := f.Read(key); err != nil {
			clear(line)
			return nil, err
		}
		switch k := key[0]; k {
		case '\r', '\n':
			return line, nil
		case ctrl('C'), ctrl('D'):
			clear(line)
			return nil, errInterrupt
		case ctrl('U'):
			line = line[:0]
		case ctrl('H'), 0x7f:
			line = line[:max(0, len(line)-1)]
		default:
			if len(line) < cap(line) { // too long for a PIN anyway
				line = append(line, k)
			}
		}
	}
}

// ctrl is the byte of a letter with the control key.
func ctrl(letter byte) byte { return letter & 0x1f }

// parse reads the first line of a text. Errors hold nothing of it.
func (s pinSource) parse(b []byte, from string) (drive.PIN, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if s.name == "psid" {
		l, err := drive.ParseLabel(b)
		if err == nil {
			return l.PSID, nil
		} else if !errors.Is(err, drive.ErrNoLabel) {
			return drive.PIN{}, usagef("%s: %w", from, err)
		}
	}
	pin, err := pinOf(line)
	if err != nil {
		return drive.PIN{}, usagef("%s holds no PIN: %w", from, err)
	}
	return pin, nil
}

// pinOf is the PIN that a text stands for.
func pinOf(text []byte) (drive.PIN, error) {
	if digits, ok := bytes.CutPrefix(text, []byte("hex:")); ok {
		b := make([]byte, hex.DecodedLen(len(digits)))
		defer clear(b)
		n, err := hex.Decode(b, digits)
		if err != nil || len(digits)%2 != 0 {
			return drive.PIN{}, errors.New("need hex: and hexadecimal digits, two for each byte")
		}
		text = b[:n]
	}
	if len(text) < 1 || len(text) > drive.PINSize {
		return drive.PIN{}, fmt.Errorf("it has %d bytes, need 1 to %d", len(text), drive.PINSize)
	}
	return drive.NewPIN(text)
}
