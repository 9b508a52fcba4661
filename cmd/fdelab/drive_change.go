package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// did is the JSON answer of the commands that change a drive.
type did struct {
	File          string      `json:"file"`
	Serial        string      `json:"serial"`
	Done          string      `json:"done"`
	State         drive.State `json:"state"`
	KeyGeneration uint32      `json:"key_generation"`
}

func (a *app) did(d *driveFile, format string, args ...any) error {
	s := d.Status()
	done := fmt.Sprintf(format, args...)
	if a.json {
		return a.printJSON(did{d.path, d.Serial(), done, s.State, s.KeyGeneration})
	}
	a.printf("%s: drive %s: %s; state %v\n", d.path, d.Serial(), done, s.State)
	return nil
}

// asOwner runs do in a session of the BandMaster of a range.
func (a *app) asOwner(d *driveFile, n int, pin pinSource, do func(s drive.Session) error) error {
	who, err := d.band(n)
	if err != nil {
		return err
	}
	s, err := d.session(a, who, pin)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

func newDriveLockCmd(a *app) *cobra.Command {
	var pin pinSource
	var n int
	c := &cobra.Command{
		Use:   "lock FILE",
		Short: "lock a range, now and at every loss of power",
		Long: "lock enables both locks of a range and closes them. The range locks again whenever the drive loses\n" +
			"power, and needs the PIN of its BandMaster from then on. As long as that is the MSID, which the\n" +
			"drive gives to whoever asks, the lock keeps nobody out: see drive migrate.",
		Example: "  fdelab drive lock a.drive --pin-file owner.pin",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive lock", args[0], func(d *driveFile) error {
				if err := d.onlyEnterprise("drive lock", "fdelab tcg set"); err != nil {
					return err
				}
				err := a.asOwner(d, n, pin, func(s drive.Session) error {
					r, err := d.Range(n)
					if err != nil {
						return err
					}
					r.ReadLockEnabled, r.WriteLockEnabled, r.LockOnReset = true, true, r.LockOnReset|drive.OnPowerCycle
					return errors.Join(s.SetRange(r.RangeConfig), s.SetLocks(true, true))
				})
				if err != nil {
					return err
				}
				return a.did(d, "range %d is locked", n)
			})
		},
	}
	pin.flags(c, "pin", "the PIN of the BandMaster")
	c.Flags().IntVar(&n, "range", 0, "the range; 0 is the global one")
	return c
}

func newDriveUnlockCmd(a *app) *cobra.Command {
	var pin pinSource
	var n int
	c := &cobra.Command{
		Use:   "unlock FILE",
		Short: "open a range for good: it does not lock at a loss of power any more",
		Long: "unlock opens the locks of a range and takes away that it locks at a loss of power. The media key is\n" +
			"then wrapped by the root key, and the range is open to everybody who has the drive. To use a\n" +
			"locked range once, give drive read and drive write the PIN instead.",
		Example: "  fdelab drive unlock a.drive --pin-file owner.pin",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive unlock", args[0], func(d *driveFile) error {
				if err := d.onlyEnterprise("drive unlock", "fdelab tcg set --no-locks"); err != nil {
					return err
				}
				err := a.asOwner(d, n, pin, func(s drive.Session) error {
					r, err := d.Range(n)
					if err != nil {
						return err
					}
					if err := s.Unlock(); err != nil {
						return err
					}
					r.LockOnReset = 0
					return s.SetRange(r.RangeConfig)
				})
				if err != nil {
					return err
				}
				return a.did(d, "range %d is open", n)
			})
		},
	}
	pin.flags(c, "pin", "the PIN of the BandMaster")
	c.Flags().IntVar(&n, "range", 0, "the range; 0 is the global one")
	return c
}

func newDriveMigrateCmd(a *app) *cobra.Command {
	var pin, next pinSource
	var n int
	c := &cobra.Command{
		Use:   "migrate FILE",
		Short: "move a range from its PIN to a credential of 32 bytes, and keep the data",
		Long: "migrate gives the BandMaster of a range a credential of 32 bytes in place of its PIN and enables\n" +
			"the locks, in one step. The old wrap of the media key is destroyed in the flash before the command\n" +
			"is done, so the old PIN opens nothing, not even in a dump. A power cut leaves one of the two.",
		Example: "  fdelab drive migrate a.drive --new-file owner.pin",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive migrate", args[0], func(d *driveFile) error {
				if err := d.onlyEnterprise("drive migrate", "fdelab tcg pin"); err != nil {
					return err
				}
				who, err := d.band(n)
				if err != nil {
					return err
				}
				credential, err := next.read(a, fmt.Sprintf("new credential of %v of %s", who, d.path))
				if err != nil {
					return err
				}
				defer credential.Clear()
				if credential.Len() != drive.PINSize {
					return usagef("drive migrate: the new credential has %d bytes, need %d: hex: and 64 digits, for example", credential.Len(), drive.PINSize)
				}
				if err := a.asOwner(d, n, pin, func(s drive.Session) error { return s.Migrate(credential) }); err != nil {
					return err
				}
				return a.did(d, "range %d has a new credential", n)
			})
		},
	}
	pin.flags(c, "pin", "the PIN that the BandMaster has")
	next.flags(c, "new", "the new credential, 32 bytes")
	next.twice = true
	c.Flags().IntVar(&n, "range", 0, "the range; 0 is the global one")
	return c
}

func newDriveEraseCmd(a *app) *cobra.Command {
	var pin pinSource
	n := -1
	var yes bool
	c := &cobra.Command{
		Use:   "erase FILE",
		Short: "give ranges new media keys, as EraseMaster: what was written is gone",
		Long: "erase is the drive's own command: every range, or that of --range, gets a new media key, and its\n" +
			"BandMaster the MSID. The drive is believed. fdelab erase verifies what it does, and certifies it.\n\n" +
			"It asks for the serial number first; --yes answers that.",
		Example: "  fdelab drive erase a.drive --range 1",
		Args:    between(1, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withDrive("drive erase", args[0], func(d *driveFile) error {
				if err := d.onlyEnterprise("drive erase", "fdelab tcg genkey, or fdelab tcg erase in Single User Mode"); err != nil {
					return err
				}
				whole := !c.Flags().Changed("range")
				what := "every range"
				if !whole {
					if _, err := d.band(n); err != nil {
						return err
					}
					what = fmt.Sprintf("range %d", n)
				}
				if err := a.confirm("drive erase", yes, d.Serial(), "erases "+what+" of "+d.path+": type its serial number, "+d.Serial()); err != nil {
					return err
				}
				s, err := d.session(a, drive.EraseMaster, pin)
				if err != nil {
					return err
				}
				defer s.Close()
				if whole {
					err = s.EraseAll()
				} else {
					err = s.Erase(n)
				}
				if err != nil {
					return err
				}
				return a.did(d, "%s is erased", what)
			})
		},
	}
	pin.flags(c, "pin", "the PIN of the EraseMaster")
	c.Flags().IntVar(&n, "range", -1, "erase only this range (default all)")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for the serial number")
	return c
}

func newDriveRevertCmd(a *app) *cobra.Command {
	psid := pinSource{}
	var yes bool
	c := &cobra.Command{
		Use:   "revert FILE",
		Short: "set a drive back to factory defaults with the PSID of its label",
		Long: "revert gives every range a new media key, every authority the MSID, and no range a place or a lock.\n" +
			"All data is gone. The PSID stands on the label: --psid-file takes the file of the label.\n\n" +
			"It asks for the serial number first; --yes answers that.",
		Example: "  fdelab drive revert a.drive --psid-file a.drive.label",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive revert", args[0], func(d *driveFile) error {
				if err := a.confirm("drive revert", yes, d.Serial(), "sets "+d.path+" back and gives its data up: type its serial number, "+d.Serial()); err != nil {
					return err
				}
				p, err := psid.read(a, "PSID of "+d.path)
				if err != nil {
					return err
				}
				defer p.Clear()
				if err := d.RevertPSID(p); err != nil {
					return err
				}
				return a.did(d, "set back to factory defaults")
			})
		},
	}
	psid.flags(c, "psid", "the PSID, or the label")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for the serial number")
	return c
}

// confirm asks a person to type a word before something is destroyed. Only a terminal is asked:
// elsewhere --yes is needed, so that a command in a pipe does not take its input for an answer.
func (a *app) confirm(what string, yes bool, word, question string) error {
	if yes {
		return nil
	}
	if !a.terminalIn() {
		return usagef("%s: it %s, or give --yes", what, question)
	}
	a.note("this %s", question)
	fmt.Fprint(a.err, "> ")
	line, err := readLine(a.in)
	if err != nil && !errors.Is(err, io.EOF) {
		return cannotf("%s: %w", what, err)
	}
	if strings.TrimSpace(line) != word {
		return usagef("%s: that is not %s: nothing was changed", what, word)
	}
	return nil
}

// readLine reads one line and nothing behind it: a PIN may be asked for next.
func readLine(r io.Reader) (string, error) {
	in := bufio.NewReaderSize(oneByte{r}, 16)
	return in.ReadString('\n')
}

// oneByte reads a byte at a time, so that a buffer above it takes nothing in advance.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
