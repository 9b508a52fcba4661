package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// activation are the flags of activate and reactivate.
type activation struct {
	single      string
	adminsPlace bool
	stores      []uint
}

func (f *activation) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.single, "single-user", "", "ranges in Single User Mode, such as 1,2, 0 for the global one, or all (default none)")
	c.Flags().UintSliceVar(&f.stores, "datastores", nil, "bytes of each DataStore table, such as 65536,1024 (default one table of all there is)")
	c.Flags().BoolVar(&f.adminsPlace, "admins-place", false, "the Admins say where those ranges are, and not their owners")
}

func (f *activation) options(w way) (o host.Activation, err error) {
	o.AdminsPlace = f.adminsPlace
	for _, n := range f.stores {
		o.DataStores = append(o.DataStores, uint64(n))
	}
	switch {
	case strings.EqualFold(f.single, "all"):
		o.AllSingleUser = true
	case f.single != "":
		o.SingleUser, err = w.rangeNumbers(f.single)
	case f.adminsPlace:
		err = usagef("%s: --admins-place is for --single-user", w.what)
	}
	return o, err
}

func newTCGActivateCmd(a *app) *cobra.Command {
	var f activation
	var pin pinSource
	long := "activate turns the Locking SP on, as SID: ranges can be set and locked then. Admin1 has the PIN of\n" +
		"SID from then on, and the data stays. A range in Single User Mode is its owner's alone: the owner\n" +
		"of range 1 is User2, that of the global one User1, and their PINs are the empty one at first."
	return opalCmd(a, "activate", "activate the Locking SP, also in Single User Mode", long, func(c *cobra.Command) {
		f.flags(c)
		pin.flags(c, "pin", "the PIN of SID; without it the factory PIN")
	}, func(w way, d *host.Device) error {
		o, err := f.options(w)
		if err != nil {
			return err
		}
		p, err := a.tcgPIN(d, pin, "PIN of SID")
		if err != nil {
			return err
		}
		defer p.Clear()
		if err := d.Activate(p, o); err != nil {
			return err
		}
		return a.tcgDid("the Locking SP is activated; Admin1 has the PIN of SID")
	})
}

func newTCGReactivateCmd(a *app) *cobra.Command {
	var f activation
	var pin, next pinSource
	long := "reactivate begins an active Locking SP anew, as Admin1, with other ranges in Single User Mode or\n" +
		"none. The data stays; ranges, Users and grants begin anew. It is refused while a range can be\n" +
		"locked."
	return opalCmd(a, "reactivate", "begin the Locking SP anew, with other ranges in Single User Mode", long, func(c *cobra.Command) {
		f.flags(c)
		pin.flags(c, "pin", "the PIN of Admin1")
		next.flags(c, "new-pin", "the PIN that Admin1 gets (default as it is)")
	}, func(w way, d *host.Device) error {
		o, err := f.options(w)
		if err != nil {
			return err
		}
		p, err := a.tcgPIN(d, pin, "PIN of Admin1")
		if err != nil {
			return err
		}
		defer p.Clear()
		var n drive.PIN
		if next.named() {
			if n, err = a.pinFor(next, spec.Admin(1)); err != nil {
				return err
			}
			defer n.Clear()
		}
		if err := d.Reactivate(p, o, n); err != nil {
			return err
		}
		return a.tcgDid("the Locking SP begins anew")
	})
}

func newTCGAuthenticateCmd(a *app) *cobra.Command {
	var by doer
	long := "authenticate proves a PIN and does nothing else. A wrong one counts, as everywhere."
	return deviceCmd(a, "authenticate", "say whether a PIN is that of an authority", long, func(c *cobra.Command) {
		by.flags(c, "SID")
	}, func(w way, d *host.Device) error {
		c, err := by.credential(a, w, d, spec.SID)
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if err := d.Authenticate(c); err != nil {
			return err
		}
		return a.tcgDid("it is the PIN of %s", spec.Name(c.Who))
	})
}

// newTCGEnableCmd makes enable and disable.
func newTCGEnableCmd(a *app, on bool) *cobra.Command {
	var by doer
	var of string
	use := word(on, "enable", "disable")
	return opalCmd(a, use, use+" an Admin or a User", "The PIN of one that is disabled opens nothing, until it is enabled again.", func(c *cobra.Command) {
		c.Flags().StringVar(&of, "of", "", "the authority, such as User1 (required)")
		by.flags(c, "Admin1; SID for AdminSP.Admin1")
	}, func(w way, d *host.Device) error {
		who, err := w.authority(d, of)
		if err != nil {
			return err
		}
		c, err := by.credential(a, w, d, over(who))
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if err := d.SetEnabled(who, c, on); err != nil {
			return err
		}
		return a.tcgDid("%s is %sd", spec.Name(who), use)
	})
}

// over is who may enable an authority.
func over(who spec.UID) spec.UID {
	if who == spec.AdminSPAdmin(1) {
		return spec.SID
	}
	return spec.Admin(1)
}

func newTCGGrantCmd(a *app) *cobra.Command {
	var by doer
	n := -1
	var store int
	var both, read, write string
	long := "grant says who may lock and open a range, or with --datastore who may read and write the\n" +
		"DataStore: those who are named and nobody else. Each of them gets a wrap of its key, and who is\n" +
		"named no more loses it. Who grants must have one. Admins stands for all Admins. It is whole or not\n" +
		"there."
	return opalCmd(a, "grant", "say who may lock and open a range, or use the DataStore", long, func(c *cobra.Command) {
		c.Flags().IntVar(&n, "range", -1, "the range, 0 is the global one")
		c.Flags().IntVar(&store, "datastore", 0, "a DataStore table in place of a range; 1 is the first")
		c.Flags().StringVar(&both, "to", "", "who may, such as Admins,User2")
		c.Flags().StringVar(&read, "read", "", "who may for reading, in place of --to")
		c.Flags().StringVar(&write, "write", "", "who may for writing, in place of --to")
		by.flags(c, "Admin1")
	}, func(w way, d *host.Device) error {
		if (store > 0) == (n >= 0) || store < 0 {
			return usagef("%s: need --range or --datastore", w.what)
		}
		read, write := firstOf(read, both), firstOf(write, both)
		if read == "" || write == "" {
			return usagef("%s: need --to, or both --read and --write", w.what)
		}
		var g host.Grants
		var err error
		if g.Read, err = w.authorities(d, read); err != nil {
			return err
		}
		if g.Write, err = w.authorities(d, write); err != nil {
			return err
		}
		if store == 0 {
			if err := w.hasRange(d, n); err != nil {
				return err
			}
		}
		c, err := by.credential(a, w, d, spec.Admin(1))
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		what := spec.Name(spec.DataStore(max(store, 1)))
		if store > 0 {
			err = d.GrantDataStore(store, c, g)
		} else {
			what = rangeName(d, n)
			err = d.Grant(n, c, g)
		}
		if err != nil {
			return err
		}
		return a.tcgDid("%s is granted to %s", what, strings.Join(uidNames(append(g.Read, g.Write...)), ", "))
	})
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// uidNames are the names of authorities, each once.
func uidNames(all []spec.UID) (names []string) {
	seen := map[spec.UID]bool{}
	for _, u := range all {
		if !seen[u] {
			names = append(names, spec.Name(u))
		}
		seen[u] = true
	}
	return names
}

// mbrJSON is the JSON answer of tcg mbr.
type mbrJSON struct {
	Size        uint64   `json:"size"` // bytes
	Enabled     bool     `json:"enabled"`
	Done        bool     `json:"done"`
	DoneOnReset []uint64 `json:"done_on_reset"`
}

func newTCGMBRCmd(a *app) *cobra.Command {
	var by doer
	var load, out, enable, done string
	var length uint64
	long := "mbr loads an image into the MBR shadow, enables it, and says that its work is done. While it is\n" +
		"enabled and not done, hosts read the image in place of the first blocks, and write none of them.\n" +
		"Done is taken back at a loss of power. Without a flag it says how it is; anybody may read it."
	return opalCmd(a, "mbr", "load, enable and finish the MBR shadow", long, func(c *cobra.Command) {
		c.Flags().StringVar(&load, "load", "", "file with the image")
		c.Flags().StringVar(&out, "read", "", "new file that gets what is in it")
		c.Flags().Uint64Var(&length, "length", 0, "how many bytes --read takes (default all)")
		c.Flags().StringVar(&enable, "enable", "", "on or off")
		c.Flags().StringVar(&done, "done", "", "on or off")
		by.flags(c, "Admin1")
	}, func(w way, d *host.Device) error {
		if err := w.active(d); err != nil {
			return err
		}
		if out != "" {
			return a.readTable(w, d, spec.MBRTable, host.Credential{}, out, 0, length)
		}
		if load == "" && enable == "" && done == "" {
			return a.mbr(d)
		}
		return a.setMBR(w, d, &by, load, enable, done)
	})
}

// setMBR does what the flags of tcg mbr say, in the order of a set-up.
func (a *app) setMBR(w way, d *host.Device, by *doer, load, enable, done string) error {
	on := map[string]bool{}
	for _, f := range [][2]string{{"enable", enable}, {"done", done}} {
		if f[1] == "" {
			continue
		}
		v, err := w.onOff(f[0], f[1])
		if err != nil {
			return err
		}
		on[f[0]] = v
	}
	if on["done"] {
		if err := w.loses("that the MBR shadow is done", "fdelab serve gives it power that stays"); err != nil {
			return err
		}
	}
	var image []byte
	if load != "" {
		size, err := d.TableSize(spec.MBRTable)
		if err != nil {
			return err
		}
		if image, err = readImage(w, load, size); err != nil {
			return err
		}
	}
	c, err := by.credential(a, w, d, spec.Admin(1))
	if err != nil {
		return err
	}
	defer c.PIN.Clear()
	var did []string
	if load != "" {
		if err := d.WriteTable(spec.MBRTable, c, 0, image, nil); err != nil {
			return err
		}
		did = append(did, fmt.Sprintf("%d bytes are in it", len(image)))
	}
	if v, given := on["enable"]; given {
		if err := d.SetMBREnabled(c, v); err != nil {
			return err
		}
		did = append(did, word(v, "it is enabled", "it is not enabled"))
	}
	if v, given := on["done"]; given {
		if err := d.SetMBRDone(c, v); err != nil {
			return err
		}
		did = append(did, word(v, "it is done", "it is not done"))
	}
	return a.tcgDid("MBR shadow: %s", strings.Join(did, "; "))
}

// readImage reads a file that is to fit into a table of so many bytes.
func readImage(w way, path string, size uint64) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, cannotf("%s: %s: not a regular file", w.what, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotf("%s: %w", w.what, plainDriveError(err))
	}
	defer f.Close()
	b, err := limitedRead(f, int64(min(size, 1<<30)))
	if err != nil {
		return nil, cannotf("%s: %s: %w; the table has %d", w.what, path, plainDriveError(err), size)
	}
	return b, nil
}

func (a *app) mbr(d *host.Device) error {
	size, err := d.TableSize(spec.MBRTable)
	if err != nil {
		return err
	}
	m, err := d.MBRControl()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(mbrJSON{size, m.Enabled, m.Done, append([]uint64{}, m.DoneOnReset...)})
	}
	a.printf("MBR shadow: %d bytes, %s, %s\n", size, word(m.Enabled, "enabled", "not enabled"), word(m.Done, "done", "not done"))
	return nil
}

// readTable writes bytes of a table to a new file.
func (a *app) readTable(w way, d *host.Device, table spec.UID, by host.Credential, out string, offset, length uint64) error {
	size, err := d.TableSize(table)
	if err != nil {
		return err
	}
	if offset > size || length > size-offset {
		return usagef("%s: %d bytes from byte %d on, %s has %d", w.what, length, offset, spec.Name(table), size)
	}
	if length == 0 {
		length = size - offset
	}
	b := make([]byte, 1<<20)
	var refused error
	err = newFile(out, 0o600, func(f *os.File) error {
		for left := length; left > 0; {
			part := b[:min(left, uint64(len(b)))]
			if refused = d.ReadTable(table, by, offset, part); refused != nil {
				return refused
			}
			if _, err := f.Write(part); err != nil {
				return err
			}
			offset, left = offset+uint64(len(part)), left-uint64(len(part))
		}
		return nil
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		return cannotf("%s: %w", w.what, plainDriveError(err))
	}
	return a.tcgDid("%d bytes of %s are in %s", length, spec.Name(table), out)
}

func newTCGDataStoreCmd(a *app) *cobra.Command {
	var by doer
	var in, out string
	var n int
	var offset, length uint64
	long := "datastore writes a file into the DataStore, or reads bytes of it into a new file. The DataStore is\n" +
		"encrypted on the medium, and open to those alone whom fdelab tcg grant names."
	return opalCmd(a, "datastore", "write to the DataStore, or read it", long, func(c *cobra.Command) {
		c.Flags().IntVar(&n, "table", 1, "which table, where there are several")
		c.Flags().StringVar(&in, "write", "", "file that is written into it")
		c.Flags().StringVar(&out, "read", "", "new file that gets what is in it")
		c.Flags().Uint64Var(&offset, "offset", 0, "the first byte")
		c.Flags().Uint64Var(&length, "length", 0, "how many bytes --read takes (default all)")
		by.flags(c, "Admin1")
	}, func(w way, d *host.Device) error {
		if (in == "") == (out == "") {
			return usagef("%s: need --write or --read", w.what)
		}
		if n < 1 || n > 128 {
			return usagef("%s: --table %d: need 1 to 128", w.what, n)
		}
		table := spec.DataStore(n)
		if err := w.active(d); err != nil {
			return err
		}
		var data []byte
		if in != "" {
			size, err := d.TableSize(table)
			if err != nil {
				return err
			}
			if offset > size {
				return usagef("%s: byte %d, %s has %d", w.what, offset, spec.Name(table), size)
			}
			if data, err = readImage(w, in, size-offset); err != nil {
				return err
			}
		}
		c, err := by.credential(a, w, d, spec.Admin(1))
		if err != nil {
			return err
		}
		defer c.PIN.Clear()
		if out != "" {
			return a.readTable(w, d, table, c, out, offset, length)
		}
		if err := d.WriteTable(table, c, offset, data, nil); err != nil {
			return err
		}
		return a.tcgDid("%d bytes are in %s from byte %d on", len(data), spec.Name(table), offset)
	})
}
