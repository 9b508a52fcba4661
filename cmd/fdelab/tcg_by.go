package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// doer says in whose name a command is done.
type doer struct {
	as  string
	pin pinSource
	no  bool // it has the empty PIN
}

// flags adds --as, the flags of its PIN, and --no-pin. is says who it is where nobody is named.
func (b *doer) flags(c *cobra.Command, is string) {
	c.Flags().StringVar(&b.as, "as", "", "who does it, such as Admin1 or User2 (default "+is+")")
	b.pin.flags(c, "pin", "the PIN of who does it; without it the factory PIN")
	c.Flags().BoolVar(&b.no, "no-pin", false, "who does it has the empty PIN, as an owner in Single User Mode at first")
}

// named says whether the command line says anything of who does it.
func (b *doer) named() bool { return b.as != "" || b.pin.named() || b.no }

// credential is who does it, otherwise where nobody is named. The caller clears the PIN.
func (b *doer) credential(a *app, w way, d *host.Device, otherwise spec.UID) (c host.Credential, err error) {
	c.Who = otherwise
	if b.as != "" {
		if c.Who, err = w.authority(d, b.as); err != nil {
			return c, err
		}
	}
	if b.no {
		if b.pin.named() {
			return c, usagef("%s: --no-pin and a PIN: need one of them", w.what)
		}
		return c, nil
	}
	c.PIN, err = a.tcgPIN(d, b.pin, "PIN of "+spec.Name(c.Who))
	return c, err
}

// authority reads the name of an authority of a device.
func (w *way) authority(d *host.Device, name string) (spec.UID, error) {
	if d.Enterprise() {
		return authorityOf(name)
	}
	lower := strings.ToLower(name)
	switch lower {
	case "sid":
		return spec.SID, nil
	case "adminsp.admin1":
		return spec.AdminSPAdmin(1), nil
	}
	for _, class := range []struct {
		prefix string
		last   int
		of     func(int) spec.UID
	}{{"admin", 255, spec.Admin}, {"user", 65535, spec.User}} {
		digits, ok := strings.CutPrefix(lower, class.prefix)
		if n, err := strconv.Atoi(digits); ok && err == nil && n >= 1 && n <= class.last {
			return class.of(n), nil
		}
	}
	return 0, usagef("%s: no authority %q in an Opal drive: use SID, Admin1, User1 and so on, or AdminSP.Admin1", w.what, name)
}

// authorities reads the names of authorities of an Opal device, with commas between them. Admins are all
// Admins.
func (w *way) authorities(d *host.Device, list string) (all []spec.UID, err error) {
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		u := spec.Admins
		if !strings.EqualFold(name, "admins") {
			if u, err = w.authority(d, name); err != nil {
				return nil, err
			}
		}
		all = append(all, u)
	}
	return all, nil
}

// rangeNumbers reads the numbers of ranges, with commas between them.
func (w *way) rangeNumbers(list string) (all []int, err error) {
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 || n > 65535 {
			return nil, usagef("%s: --single-user %q: need numbers of ranges such as 1,2, 0 for the global one, or all", w.what, list)
		}
		all = append(all, n)
	}
	return all, nil
}

// onOff reads a switch.
func (w *way) onOff(flag, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, usagef("%s: --%s %q: use on or off", w.what, flag, value)
}

// inactive refuses what takes a Locking SP that is activated.
func (w *way) inactive() error {
	return failedf("%s: %s: the Locking SP is not activated", w.what, w.path).withHint("fdelab tcg activate activates it, as SID")
}

// active refuses a device whose Locking SP is not activated.
func (w *way) active(d *host.Device) error {
	ok, err := d.Activated()
	if err == nil && !ok {
		return w.inactive()
	}
	return err
}

// opalCmd makes a command on a device of SSC Opal.
func opalCmd(a *app, use, short, long string, more func(c *cobra.Command), do func(w way, d *host.Device) error) *cobra.Command {
	return deviceCmd(a, use, short, long+"\nIt is for SSC Opal.", more, func(w way, d *host.Device) error {
		if d.Enterprise() {
			return cannotf("%s: %s: the drive does not speak SSC Opal, and this command is for no other", w.what, w.path).
				withHint("fdelab tcg discover says what it speaks")
		}
		return do(w, d)
	})
}

// rangeCmd makes a command on a range of a device of either SSC, in somebody's name: that of its BandMaster, or
// in an Opal device of Admin1, where nobody is named.
func rangeCmd(a *app, use, short, long string, more func(c *cobra.Command), do func(w way, d *host.Device, n int, by host.Credential) error) *cobra.Command {
	var n int
	var by doer
	return deviceCmd(a, use, short, long, func(c *cobra.Command) {
		by.flags(c, "the BandMaster of the range, in an Opal drive Admin1")
		c.Flags().IntVar(&n, "range", 0, "the range, 0 is the global one")
		if more != nil {
			more(c)
		}
	}, func(w way, d *host.Device) error {
		if err := w.hasRange(d, n); err != nil {
			return err
		}
		otherwise := spec.BandMaster(n)
		if !d.Enterprise() {
			otherwise = spec.Admin(1)
		}
		c, err := by.credential(a, w, d, otherwise)
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if d.Enterprise() && c.Who != otherwise {
			return usagef("%s: range %d of an Enterprise drive has %s alone", w.what, n, spec.Name(otherwise))
		}
		return do(w, d, n, c)
	})
}

// rangeName is the name of a range.
func rangeName(d *host.Device, n int) string {
	if d.Enterprise() {
		return spec.Name(spec.Band(n))
	}
	return spec.Name(spec.Range(n))
}

// loses refuses for a drive file what its power takes away.
func (w *way) loses(what, hint string) error {
	if !w.file {
		return nil
	}
	return usagef("%s: %s is a file: its power goes with the command, and with it %s", w.what, w.path, what).withHint("%s", hint)
}

// pinFor reads a PIN that somebody is to get, and says so where it is asked for.
func (a *app) pinFor(s pinSource, who spec.UID) (drive.PIN, error) {
	return s.read(a, fmt.Sprintf("new PIN of %s", spec.Name(who)))
}

// isInactive says whether an error is that of a Locking SP that is not activated.
func isInactive(err error) bool { return errors.Is(err, host.ErrInactive) }
