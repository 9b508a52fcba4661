package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// tcgPIN reads a PIN; where none is named it is MSID, which every drive tells.
func (a *app) tcgPIN(d *host.Device, s pinSource, what string) (drive.PIN, error) {
	if !s.named() && !a.terminalIn() {
		return d.MSID()
	}
	return s.read(a, what)
}

func newTCGTakeCmd(a *app) *cobra.Command {
	var pin pinSource
	long := "take gives SID, EraseMaster and the BandMasters of all ranges one new PIN in place of the\n" +
		"factory PIN. It can be run again when it was interrupted. --pin-file or --pin-env says where the\n" +
		"PIN is; else it is asked for twice. It is for SSC Enterprise."
	return enterpriseCmd(a, "take", "take ownership: one new PIN for all who have the factory PIN", long, func(c *cobra.Command) {
		pin.flags(c, "pin", "the new PIN")
		pin.twice = true
	}, func(w way, d *host.Device) error {
		p, err := pin.read(a, "new PIN of "+w.path)
		if err != nil {
			return err
		}
		defer p.Clear()
		i, err := d.LockingInfo()
		if err != nil {
			return err
		}
		o := host.Owner{SID: p, EraseMaster: p}
		for range i.MaxRanges + 1 {
			o.Bands = append(o.Bands, p)
		}
		if err := d.TakeOwnership(o); err != nil {
			return err
		}
		return a.tcgDid("SID, EraseMaster and %s have the new PIN", plural(len(o.Bands), "BandMaster"))
	})
}

// tcgDid says what was done.
func (a *app) tcgDid(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if a.json {
		return a.printJSON(map[string]string{"done": text})
	}
	a.printf("%s\n", text)
	return nil
}

// authorityOf reads the name of an Enterprise authority.
func authorityOf(name string) (spec.UID, error) {
	switch lower := strings.ToLower(name); {
	case lower == "sid":
		return spec.SID, nil
	case lower == "erasemaster":
		return spec.EraseMaster, nil
	case strings.HasPrefix(lower, "bandmaster"):
		if n, err := strconv.Atoi(lower[len("bandmaster"):]); err == nil && n >= 0 && n < 1024 {
			return spec.BandMaster(n), nil
		}
	}
	return 0, usagef("no authority %q: use SID, EraseMaster, BandMaster0, BandMaster1 and so on", name)
}

func newTCGPINCmd(a *app) *cobra.Command {
	var old, pin pinSource
	var who string
	return deviceCmd(a, "pin", "give an authority another PIN", "EraseMaster and the BandMasters are authorities of SSC Enterprise.", func(c *cobra.Command) {
		c.Flags().StringVar(&who, "as", "", "the authority, such as SID or BandMaster0 (required)")
		old.flags(c, "pin", "the PIN that it has; without it the factory PIN")
		pin.flags(c, "new-pin", "the new PIN")
		pin.twice = true
	}, func(w way, d *host.Device) error {
		u, err := authorityOf(who)
		if err != nil {
			return err
		}
		if u != spec.SID && !d.Enterprise() {
			return w.notEnterprise()
		}
		if n := int(uint32(u)) - int(uint32(spec.BandMaster(0))); u != spec.SID && u != spec.EraseMaster {
			if err := w.hasRange(d, n); err != nil {
				return err
			}
		}
		p, err := a.tcgPIN(d, old, "PIN of "+spec.Name(u))
		if err != nil {
			return err
		}
		defer p.Clear()
		next, err := pin.read(a, "new PIN of "+spec.Name(u))
		if err != nil {
			return err
		}
		defer next.Clear()
		if err := d.SetPIN(u, p, next); err != nil {
			return err
		}
		return a.tcgDid("%s has another PIN", spec.Name(u))
	})
}

func newTCGSetCmd(a *app) *cobra.Command {
	var pin pinSource
	var n int
	var start, length uint64
	var open bool
	var given *pflag.FlagSet
	long := "set says that a range can be locked: for reading and writing, and at a loss of power; or with\n" +
		"--no-locks that it cannot. With --start and --length it also says where the range lies; without\n" +
		"them it stays where it is. The global range has no place of its own. It is for SSC Enterprise."
	return enterpriseCmd(a, "set", "set a range's place, and that it locks at a loss of power", long, func(c *cobra.Command) {
		pin.flags(c, "pin", "the PIN of its BandMaster; without it the factory PIN")
		c.Flags().IntVar(&n, "range", 0, "the range, 0 is the global one")
		given = c.Flags()
		c.Flags().Uint64Var(&start, "start", 0, "its first block (default as it is)")
		c.Flags().Uint64Var(&length, "length", 0, "how many blocks; 0 is none (default as it is)")
		c.Flags().BoolVar(&open, "no-locks", false, "it cannot be locked")
	}, func(w way, d *host.Device) error {
		if n == 0 && (given.Changed("start") || given.Changed("length")) {
			return usagef("%s: --start and --length are for range 1 and above: the global range is all blocks of no other range", w.what)
		}
		if err := w.hasRange(d, n); err != nil {
			return err
		}
		p, err := a.tcgPIN(d, pin, fmt.Sprintf("PIN of BandMaster%d", n))
		if err != nil {
			return err
		}
		defer p.Clear()
		var cells []host.Cell
		if given.Changed("start") {
			cells = append(cells, host.Cell{Column: "RangeStart", Value: token.U(start)})
		}
		if given.Changed("length") {
			cells = append(cells, host.Cell{Column: "RangeLength", Value: token.U(length)})
		}
		cells = append(cells,
			host.Cell{Column: "ReadLockEnabled", Value: token.Bool(!open)},
			host.Cell{Column: "WriteLockEnabled", Value: token.Bool(!open)},
			host.Cell{Column: "LockOnReset", Value: token.L(token.U(spec.PowerCycle))})
		if err := d.SetColumns(n, p, cells...); err != nil {
			return err
		}
		return a.tcgDid("%s is set", spec.Name(spec.Band(n)))
	})
}

func newTCGLockCmd(a *app) *cobra.Command {
	var pin pinSource
	var n int
	var state string
	long := "lock locks a range, or opens it: --state RW opens it, RO locks it for writing, LK for both. Locks\n" +
		"count where they are enabled (fdelab tcg set). It is for SSC Enterprise, and not for a drive file:\n" +
		"its power goes with the command, and a range that was opened is locked again."
	return enterpriseCmd(a, "lock", "lock or open a range", long, func(c *cobra.Command) {
		pin.flags(c, "pin", "the PIN of its BandMaster; without it the factory PIN")
		c.Flags().IntVar(&n, "range", 0, "the range, 0 is the global one")
		c.Flags().StringVar(&state, "state", "LK", "RW, RO or LK")
	}, func(w way, d *host.Device) error {
		if w.file {
			return usagef("%s: %s is a file: its power goes with the command, and with it what was locked or opened", w.what, w.path).
				withHint("fdelab drive unlock opens it for good, fdelab drive read and write for one command; fdelab serve gives it power that stays")
		}
		var read, write bool
		switch strings.ToUpper(state) {
		case "RW":
		case "RO":
			write = true
		case "LK":
			read, write = true, true
		default:
			return usagef("--state %q: use RW, RO or LK", state)
		}
		if err := w.hasRange(d, n); err != nil {
			return err
		}
		p, err := a.tcgPIN(d, pin, fmt.Sprintf("PIN of BandMaster%d", n))
		if err != nil {
			return err
		}
		defer p.Clear()
		if err := d.SetLocks(n, p, read, write); err != nil {
			return err
		}
		return a.tcgDid("%s is %s", spec.Name(spec.Band(n)), map[string]string{"RW": "open", "RO": "locked for writing", "LK": "locked"}[strings.ToUpper(state)])
	})
}

func newTCGEraseCmd(a *app) *cobra.Command {
	var pin pinSource
	var n int
	long := "erase gives a range a new key, as EraseMaster: its data is gone, its locks are open, its BandMaster\n" +
		"has the factory PIN. It is for SSC Enterprise."
	return enterpriseCmd(a, "erase", "erase a range cryptographically", long, func(c *cobra.Command) {
		pin.flags(c, "pin", "the PIN of EraseMaster; without it the factory PIN")
		c.Flags().IntVar(&n, "range", 0, "the range, 0 is the global one")
	}, func(w way, d *host.Device) error {
		if err := w.hasRange(d, n); err != nil {
			return err
		}
		p, err := a.tcgPIN(d, pin, "PIN of EraseMaster")
		if err != nil {
			return err
		}
		defer p.Clear()
		if err := d.Erase(n, p); err != nil {
			return err
		}
		return a.tcgDid("%s is erased", spec.Name(spec.Band(n)))
	})
}

func newTCGRevertCmd(a *app) *cobra.Command {
	var psid pinSource
	long := "revert sets the whole drive back to what the factory made, with the PSID of its label: all data is\n" +
		"gone, every PIN is the factory's."
	return deviceCmd(a, "revert", "set the drive back with the PSID of its label", long, func(c *cobra.Command) {
		psid.flags(c, "psid", "the PSID, or with the label that fdelab drive create wrote")
	}, func(w way, d *host.Device) error {
		p, err := psid.read(a, "PSID of "+w.path)
		if err != nil {
			return err
		}
		defer p.Clear()
		if err := d.Revert(p); err != nil {
			if errors.Is(err, spec.NotAuthorized) {
				return failedf("%s: %s: this is not its PSID", w.what, w.path)
			}
			return err
		}
		return a.tcgDid("the drive is as the factory made it")
	})
}
