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
	long := "take gives SID, EraseMaster and the BandMasters of all ranges one new PIN in place of the factory\n" +
		"PIN, in an Opal drive SID alone. It can be run again when it was interrupted. --pin-file or\n" +
		"--pin-env says where the PIN is; else it is asked for twice."
	return deviceCmd(a, "take", "take ownership: one new PIN for all who have the factory PIN", long, func(c *cobra.Command) {
		pin.flags(c, "pin", "the new PIN")
		pin.twice = true
	}, func(w way, d *host.Device) error {
		p, err := pin.read(a, "new PIN of "+w.path)
		if err != nil {
			return err
		}
		defer p.Clear()
		if !d.Enterprise() {
			if err := d.TakeOwnership(host.Owner{SID: p}); err != nil {
				return err
			}
			return a.tcgDid("SID has the new PIN")
		}
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
		return a.tcgDid("SID, EraseMaster and %s have the new PIN", count(len(o.Bands), "BandMaster"))
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
	var by doer
	var next pinSource
	var of string
	long := "pin gives an authority another PIN, as itself, or in an Opal drive as somebody who may: an Admin\n" +
		"for Admins and Users, SID for AdminSP.Admin1."
	return deviceCmd(a, "pin", "give an authority another PIN", long, func(c *cobra.Command) {
		by.flags(c, "that of --of")
		c.Flags().StringVar(&of, "of", "", "whose PIN it is, such as User1 (default that of --as)")
		next.flags(c, "new-pin", "the new PIN")
		next.twice = true
	}, func(w way, d *host.Device) error {
		whose := firstOf(of, by.as)
		if whose == "" {
			return usagef("%s: need --as, or --of", w.what)
		}
		u, err := w.authority(d, whose)
		if err != nil {
			return err
		}
		if d.Enterprise() && u != spec.SID && u != spec.EraseMaster {
			if err := w.hasRange(d, int(uint32(u))-int(uint32(spec.BandMaster(0)))); err != nil {
				return err
			}
		}
		c, err := by.credential(a, w, d, u)
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if d.Enterprise() && c.Who != u {
			return usagef("%s: in an Enterprise drive each authority sets its own PIN", w.what)
		}
		p, err := a.pinFor(next, u)
		if err != nil {
			return err
		}
		defer p.Clear()
		if d.Enterprise() {
			err = d.SetPIN(u, c.PIN, p)
		} else {
			err = d.SetPINOf(u, c, p)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s has another PIN", spec.Name(u))
	})
}

func newTCGSetCmd(a *app) *cobra.Command {
	var start, length uint64
	var open, place bool
	var given *pflag.FlagSet
	long := "set says that a range can be locked: for reading and writing, and at a loss of power; or with\n" +
		"--no-locks that it cannot. With --start and --length it also says where the range lies; without\n" +
		"them it stays where it is, and with --place nothing else is set. The global range has no place."
	return rangeCmd(a, "set", "set a range's place, and that it locks at a loss of power", long, func(c *cobra.Command) {
		given = c.Flags()
		c.Flags().Uint64Var(&start, "start", 0, "its first block (default as it is)")
		c.Flags().Uint64Var(&length, "length", 0, "how many blocks; 0 is none (default as it is)")
		c.Flags().BoolVar(&open, "no-locks", false, "it cannot be locked")
		c.Flags().BoolVar(&place, "place", false, "only --start and --length, as Admins do with a range in Single User Mode")
	}, func(w way, d *host.Device, n int, by host.Credential) error {
		placed := given.Changed("start") || given.Changed("length")
		if n == 0 && placed {
			return usagef("%s: --start and --length are for range 1 and above: the global range is all blocks of no other range", w.what)
		}
		if place && (!placed || open) {
			return usagef("%s: --place is for --start and --length, and not for --no-locks", w.what)
		}
		var cells []host.Cell
		if given.Changed("start") {
			cells = append(cells, host.Cell{Column: "RangeStart", Value: token.U(start)})
		}
		if given.Changed("length") {
			cells = append(cells, host.Cell{Column: "RangeLength", Value: token.U(length)})
		}
		if !place {
			cells = append(cells,
				host.Cell{Column: "ReadLockEnabled", Value: token.Bool(!open)},
				host.Cell{Column: "WriteLockEnabled", Value: token.Bool(!open)},
				host.Cell{Column: "LockOnReset", Value: token.L(token.U(spec.PowerCycle))})
		}
		var err error
		if d.Enterprise() {
			err = d.SetColumns(n, by.PIN, cells...)
		} else {
			err = d.SetRange(n, by, cells...)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s is set", rangeName(d, n))
	})
}

func newTCGLockCmd(a *app) *cobra.Command {
	var state string
	long := "lock locks a range, or opens it: --state RW opens it, RO locks it for writing, LK for both. Locks\n" +
		"count where they are enabled (fdelab tcg set). It is not for a drive file: its power goes with the\n" +
		"command, and a range that was opened is locked again."
	return rangeCmd(a, "lock", "lock or open a range", long, func(c *cobra.Command) {
		c.Flags().StringVar(&state, "state", "LK", "RW, RO or LK")
	}, func(w way, d *host.Device, n int, by host.Credential) error {
		if err := w.loses("what was locked or opened", "fdelab drive unlock opens it for good, fdelab drive read and write for one command; fdelab serve gives it power that stays"); err != nil {
			return err
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
		var err error
		if d.Enterprise() {
			err = d.SetLocks(n, by.PIN, read, write)
		} else {
			err = d.SetRangeLocks(n, by, read, write)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s is %s", rangeName(d, n), map[string]string{"RW": "open", "RO": "locked for writing", "LK": "locked"}[strings.ToUpper(state)])
	})
}

func newTCGGenKeyCmd(a *app) *cobra.Command {
	long := "genkey gives a range a new key: what was written is gone. Locks, PINs and grants stay as they are."
	return rangeCmd(a, "genkey", "give a range a new key: its data is gone", long, nil, func(_ way, d *host.Device, n int, by host.Credential) error {
		var err error
		if d.Enterprise() {
			err = d.GenKey(n, by.PIN)
		} else {
			err = d.RekeyRange(n, by)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s has a new key", rangeName(d, n))
	})
}

func newTCGEraseCmd(a *app) *cobra.Command {
	var by doer
	var n int
	long := "erase gives a range a new key, as EraseMaster: its data is gone, its locks are open, its\n" +
		"BandMaster has the factory PIN. In an Opal drive it is for a range in Single User Mode, as an\n" +
		"Admin or its owner, who has the empty PIN then; for any other range there is fdelab tcg genkey."
	return deviceCmd(a, "erase", "erase a range cryptographically", long, func(c *cobra.Command) {
		by.flags(c, "EraseMaster, in an Opal drive Admin1")
		c.Flags().IntVar(&n, "range", 0, "the range, 0 is the global one")
	}, func(w way, d *host.Device) error {
		if err := w.hasRange(d, n); err != nil {
			return err
		}
		otherwise := spec.EraseMaster
		if !d.Enterprise() {
			otherwise = spec.Admin(1)
		}
		c, err := by.credential(a, w, d, otherwise)
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if d.Enterprise() && c.Who != spec.EraseMaster {
			return usagef("%s: in an Enterprise drive this is EraseMaster's", w.what)
		}
		if d.Enterprise() {
			err = d.Erase(n, c.PIN)
		} else {
			err = d.EraseRange(n, c)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s is erased", rangeName(d, n))
	})
}

func newTCGRevertCmd(a *app) *cobra.Command {
	var psid pinSource
	var by doer
	var locking, keep bool
	long := "revert sets the whole drive back to what the factory made, with the PSID of its label: all data is\n" +
		"gone, every PIN is the factory's. An Opal drive also takes --as SID or --as AdminSP.Admin1, and\n" +
		"with --locking sets its Locking SP alone back, as an Admin of it: SID keeps its PIN then, and with\n" +
		"--keep-global-range-key the data of the global range stays."
	return deviceCmd(a, "revert", "set the drive back, with the PSID of its label or as its owner", long, func(c *cobra.Command) {
		psid.flags(c, "psid", "the PSID, or with the label that fdelab drive create wrote")
		by.flags(c, "nobody: the PSID")
		c.Flags().BoolVar(&locking, "locking", false, "only the Locking SP of an Opal drive, as Admin1 or --as")
		c.Flags().BoolVar(&keep, "keep-global-range-key", false, "with --locking: the data of the global range stays")
	}, func(w way, d *host.Device) error {
		if keep && !locking {
			return usagef("%s: --keep-global-range-key is for --locking", w.what)
		}
		if locking || by.named() {
			return a.revertAs(w, d, &by, psid, locking, keep)
		}
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

// revertAs reverts an Opal drive, or its Locking SP, in somebody's name.
func (a *app) revertAs(w way, d *host.Device, by *doer, psid pinSource, locking, keep bool) error {
	if d.Enterprise() {
		return usagef("%s: an Enterprise drive is reverted with the PSID of its label alone", w.what)
	}
	if psid.named() {
		return usagef("%s: a PSID and --as or --locking: need one of them", w.what)
	}
	otherwise := spec.SID
	if locking {
		otherwise = spec.Admin(1)
	}
	c, err := by.credential(a, w, d, otherwise)
	if err != nil {
		return err
	}
	defer c.PIN.Clear()
	if !locking {
		if err := d.RevertTPer(c); err != nil {
			return err
		}
		return a.tcgDid("the drive is as the factory made it")
	}
	if err := d.RevertLocking(c, keep); err != nil {
		return err
	}
	return a.tcgDid("the Locking SP is not activated any more, %s", word(keep, "and the data of the global range is there", "and the data is gone"))
}
