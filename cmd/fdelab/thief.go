package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// thiefFlags is what `fdelab thief` was asked for.
type thiefFlags struct {
	plain      []string // FILE@LBA
	cipher     string
	media      string
	pins, root string
	before     string
	sector     int // bytes
	iterations int
	deep       bool
}

func newThiefCmd(a *app) *cobra.Command {
	var f thiefFlags
	c := &cobra.Command{
		Use:   "thief DUMP --plain FILE@LBA",
		Short: "look for keys in the flash of a drive as a thief would",
		Long: "thief looks for a way from a dump to the plaintext of a sector. DUMP is a drive file, or the raw\n" +
			"image of any flash. FILE has the plaintext that sector LBA once had, 16 bytes of it or more. The\n" +
			"ciphertext is that of the drive file, of --media (a raw image), or of --cipher (the sector alone).\n\n" +
			"Each finding names the weakest thief who gets there:\n" + thieves() + "\n" +
			"The first knows MSID and PSID. The root key of the fuses is that of the drive file, or --root-file.\n" +
			"--pin-file has the retired PINs, one a line as text or as hex: and digits; a label file says which\n" +
			"are MSID and PSID. A PIN that is in force still is a way to the data, as it has to be.\n\n" +
			"The search knows no format and tries bytes: see docs/thief.md. Each way has a budget, and what was\n" +
			"not tried is said; --deep has a larger budget and tries more. Nothing found proves only that these\n" +
			"ways are shut. No key and no PIN is ever printed.\n\n" +
			"The exit code is 0 if nothing was found, 1 if something was: a key of the sector, a PIN in the dump,\n" +
			"or a wrap that opens without a secret.",
		Example: "  fdelab thief a.drive --plain sector.bin@8 --pin-file retired.pins\n" +
			"  fdelab thief flash.img --plain sector.bin@8 --media media.img --root-file root.key --deep",
		Args: between(1, 1, "one dump"),
		RunE: func(c *cobra.Command, args []string) error { return a.thief(c, f, args[0]) },
	}
	c.Flags().StringArrayVar(&f.plain, "plain", nil, "known plaintext: file and sector, as in sector.bin@8; may be given again (required)")
	c.Flags().StringVar(&f.cipher, "cipher", "", "file that begins with the ciphertext of the sector")
	c.Flags().StringVar(&f.media, "media", "", "raw image of the media: sector N at byte N times the sector size")
	c.Flags().StringVar(&f.pins, "pin-file", "", "file with retired PINs, one a line, or a label; mode 0600")
	c.Flags().StringVar(&f.root, "root-file", "", "file with the root key, 32 bytes or 64 digits; mode 0600")
	c.Flags().StringVar(&f.before, "before", "", "earlier dump of the drive: its keys must not open the sector")
	c.Flags().IntVar(&f.sector, "sector-size", 512, "bytes of a sector, 512 or 4096; a drive file knows its own")
	c.Flags().IntVar(&f.iterations, "iterations", 1000, "iterations of PBKDF2 for short PINs; a drive file knows its own")
	c.Flags().BoolVar(&f.deep, "deep", false, "try more, with a larger budget; the time grows with the square of the dump")
	return c
}

func thieves() string {
	text := ""
	for _, who := range forensic.Adversaries() {
		text += fmt.Sprintf("  %v\n", who)
	}
	return text
}

// loot is what the thief has.
type loot struct {
	dump    drive.Dump
	raw     bool
	secrets []forensic.Secret
	oracles []forensic.Oracle
	opts    forensic.Options
	before  *drive.Dump
	rawWas  bool // before is a raw image
}

func (a *app) thief(c *cobra.Command, f thiefFlags, path string) error {
	switch {
	case len(f.plain) == 0:
		return usagef("thief: need --plain FILE@LBA").withHint("without a known plaintext nobody can tell a key from noise")
	case f.cipher != "" && (f.media != "" || len(f.plain) > 1):
		return usagef("thief: --cipher is the ciphertext of one sector: give --media for several")
	case f.sector != 512 && f.sector != 4096:
		return usagef("thief: --sector-size %d, need 512 or 4096", f.sector)
	case f.iterations < 1 || f.iterations > 10_000_000:
		return usagef("thief: --iterations %d, need 1 to 10000000", f.iterations)
	}
	for _, at := range f.plain {
		if _, _, err := sectorAt(at); err != nil {
			return err
		}
	}
	l := &loot{opts: forensic.Options{Deep: f.deep, Also: forensic.AllWays, Iterations: f.iterations}}
	defer func() {
		for _, s := range l.secrets {
			s.Clear()
		}
	}()
	if err := a.gather(l, &f, path); err != nil {
		return err
	}
	bar := a.thiefProgress(&l.opts)
	found, err := forensic.SearchAs(l.dump, l.secrets, l.oracles, l.opts)
	var was forensic.Findings
	if err == nil && l.before != nil {
		was, err = forensic.SearchAs(*l.before, l.secrets, l.oracles, l.opts)
	}
	bar()
	if err != nil {
		return usagef("thief: %s", strings.TrimPrefix(err.Error(), "forensic: "))
	}
	r := l.report(path, &found)
	if l.before != nil {
		for _, k := range was.Keys {
			r.Keys = append(r.Keys, stolenOf("in "+f.before+": ", k, l.rawWas))
		}
	}
	return a.thiefReport(r)
}

// gather reads everything that the thief has.
func (a *app) gather(l *loot, f *thiefFlags, path string) (err error) {
	var own *drive.Fuses
	if l.dump, own, err = readDump(path); err != nil {
		return err
	}
	if l.raw = own == nil; !l.raw {
		defer own.Clear()
		f.sector, l.opts.Iterations = own.Config.SectorSize, own.Config.PBKDF2Iterations
		l.secrets = append(l.secrets, forensic.Public(forensic.PIN("MSID", own.MSID)), forensic.Root(own.Root))
	}
	if f.root != "" {
		k, err := rootOf(f.root)
		if err != nil {
			return err
		}
		l.secrets = append(l.secrets, forensic.Root(k))
		k.Clear()
	}
	if f.pins != "" {
		pins, err := retiredPINs(f.pins)
		if err != nil {
			return err
		}
		l.secrets = append(l.secrets, pins...)
	}
	if f.before != "" {
		dump, fuses, err := readDump(f.before)
		if err != nil {
			return err
		}
		if l.rawWas = fuses == nil; !l.rawWas {
			fuses.Clear()
		}
		l.before = &dump
	}
	for _, at := range f.plain {
		if err := l.oracle(f, path, at); err != nil {
			return err
		}
	}
	return nil
}

// oracle adds a known plaintext.
func (l *loot) oracle(f *thiefFlags, path, at string) error {
	file, lba, err := sectorAt(at)
	if err != nil {
		return err
	}
	plain, err := readStart(file, 0, f.sector)
	if err != nil {
		return cannotf("thief: %w", err)
	}
	var cipher []byte
	switch {
	case f.cipher != "":
		cipher, err = readStart(f.cipher, 0, f.sector)
	case f.media != "":
		cipher, err = readStart(f.media, int64(lba)*int64(f.sector), f.sector)
	case l.raw:
		return usagef("thief: %s has no media: give --media or --cipher", path)
	default:
		sector, ok := l.dump.Sector(lba)
		if !ok {
			return cannotf("thief: %s: sector %d was never written: it has no ciphertext", path, lba)
		}
		cipher = sector
	}
	if err != nil {
		return cannotf("thief: %w", err)
	}
	n := min(len(plain), len(cipher), oracleMax) &^ 15
	if n == 0 {
		return usagef("thief: %s: %d bytes of plaintext and %d of ciphertext, need 16 of both", at, len(plain), len(cipher))
	}
	if slices.Equal(plain[:n], cipher[:n]) {
		return usagef("thief: sector %d is as it was given: it is not encrypted, or the plaintext is the ciphertext", lba)
	}
	o := forensic.Oracle{Name: fmt.Sprintf("sector %d", lba), SectorSize: f.sector, LBA: lba, Plain: plain[:n], Cipher: cipher[:n], Generation: 2}
	if l.before != nil && l.before.Sector != nil {
		if old, ok := l.before.Sector(lba); ok && slices.Equal(old[:n], cipher[:n]) {
			was := o
			was.Name, was.Generation = o.Name+" before", 1
			l.oracles = append(l.oracles, was)
		}
	}
	l.oracles = append(l.oracles, o)
	return nil
}

// oracleMax is how many bytes of a sector are compared: one key in 2^512 fits them by chance.
const oracleMax = 64

// sectorAt takes FILE@LBA apart.
func sectorAt(text string) (file string, lba uint64, err error) {
	i := strings.LastIndexByte(text, '@')
	if i > 0 {
		if lba, err = strconv.ParseUint(text[i+1:], 10, 48); err == nil {
			return text[:i], lba, nil
		}
	}
	return "", 0, usagef("thief: --plain %q: need a file and the number of a sector, as in sector.bin@8", text)
}

// rootOf reads a root key: 32 bytes, or 64 hexadecimal digits.
func rootOf(path string) (*secret.Key32, error) {
	b, err := pki.ReadPrivate(path)
	if err != nil {
		return nil, notPrivate("root key", err)
	}
	defer clear(b)
	text := b
	if len(b) != 32 {
		text = append([]byte("hex:"), trimEnd(b)...)
		defer clear(text)
		pin, err := pinOf(text)
		if err != nil || pin.Len() != 32 {
			return nil, usagef("thief: %s holds no root key: need 32 bytes, or 64 hexadecimal digits", path)
		}
		text = pin.Bytes()
		defer clear(text)
		pin.Clear()
	}
	k := new(secret.Key32)
	copy(k[:], text)
	return k, nil
}

func trimEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// retiredPINs reads a file of PINs, or a label, of which the serial number is none.
func retiredPINs(path string) (out []forensic.Secret, err error) {
	b, err := pki.ReadPrivate(path)
	if err != nil {
		return nil, notPrivate("PINs", err)
	}
	defer clear(b)
	l, err := drive.ParseLabel(b)
	label := err == nil
	switch {
	case label:
		out = append(out, forensic.Public(forensic.PIN("MSID", l.MSID)), forensic.Public(forensic.PIN("PSID", l.PSID)))
		l.MSID.Clear()
		l.PSID.Clear()
	case !errors.Is(err, drive.ErrNoLabel):
		return nil, usagef("thief: %s: %w", path, err)
	}
	number := 0
	for i, line := range bytes.Split(b, []byte("\n")) { // parts of b, which is cleared
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 || label && labelled(line) {
			continue
		}
		pin, err := pinOf(line)
		if err != nil {
			return nil, usagef("thief: %s: line %d holds no PIN: %w", path, i+1, err)
		}
		number++
		out = append(out, forensic.PIN(fmt.Sprintf("PIN %d", number), pin))
		pin.Clear()
	}
	if len(out) == 0 {
		return nil, usagef("thief: %s holds no PIN", path)
	}
	return out, nil
}

// labelled says whether a line is one of a label.
func labelled(line []byte) bool {
	words := []string{"serial: ", "msid: ", "psid: ", "fdelab label of a drive", "serial ", "MSID ", "PSID "}
	return slices.ContainsFunc(words, func(w string) bool { return bytes.HasPrefix(line, []byte(w)) })
}

// notPrivate is the error of a file of secrets that cannot be read.
func notPrivate(what string, err error) error {
	var call *os.PathError
	if errors.As(err, &call) {
		return cannotf("thief: %s: %s: %w", what, call.Path, call.Err)
	}
	return cannotf("thief: %s: %s", what, strings.TrimPrefix(err.Error(), "pki: "))
}

// notADump is the error of a file that cannot be read.
func notADump(err error) error {
	var call *os.PathError
	if errors.As(err, &call) {
		return cannotf("thief: %s: %w", call.Path, call.Err)
	}
	return cannotf("thief: %w", err)
}
