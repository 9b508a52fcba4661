package main

import (
	"cmp"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/drive"
)

const (
	ioChunk  = 1 << 20 // bytes that are moved at once, a multiple of every sector size
	writeMax = 1 << 28 // bytes that one drive write takes
)

// terminalIn says whether standard input is a terminal.
func (a *app) terminalIn() bool {
	f, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// opened opens the range of a sector for this command, where it is locked, and runs do.
func (a *app) opened(d *driveFile, lba uint64, as string, pin pinSource, do func() error) error {
	opal := d.Config().Personality == drive.Opal
	if as != "" && !opal {
		return usagef("%s: --as is for Opal drives: a range of an Enterprise drive has its BandMaster alone", d.path)
	}
	n, r, err := rangeAt(d, lba)
	if err != nil {
		return err
	}
	locked := r.ReadLockEnabled && r.ReadLocked || r.WriteLockEnabled && r.WriteLocked
	if !locked || !pin.named() && !a.terminalIn() && !r.AtMSID {
		return do()
	}
	if r.LockOnReset&drive.OnPowerCycle == 0 {
		// To open it would be a change that stays.
		return failedf("%s: range %d is locked, and stays open over a loss of power once it is opened", d.path, n).
			withHint("%s", unlockHint(opal))
	}
	if opal {
		return a.asGranted(d, n, cmp.Or(as, "Admin1"), pin, do)
	}
	return a.asOwner(d, n, pin, func(s drive.Session) error {
		if err := s.Unlock(); err != nil {
			return err
		}
		return do()
	})
}

// unlockHint says what opens a range for good.
func unlockHint(opal bool) string {
	if opal {
		return "fdelab serve gives the drive power that stays, and fdelab tcg lock --state RW opens it then"
	}
	return "fdelab drive unlock opens it for good"
}

// rangeAt finds the range of a sector.
func rangeAt(d *driveFile, lba uint64) (n int, r drive.RangeInfo, err error) {
	for n := 1; n <= d.Config().Ranges; n++ {
		r, err := d.Range(n)
		if err != nil {
			return 0, r, err
		}
		if lba-r.Start < r.Length { // below the start it wraps round
			return n, r, nil
		}
	}
	r, err = d.Range(0)
	return 0, r, err
}

func newDriveReadCmd(a *app) *cobra.Command {
	var pin pinSource
	var lba, sectors uint64
	var out, as string
	c := &cobra.Command{
		Use:   "read FILE",
		Short: "read sectors, to standard output or a file",
		Long: "read prints sectors as a host reads them. A locked range is opened with the PIN of its BandMaster\n" +
			"for this command alone, in an Opal drive with that of --as. A sector that\n" +
			"was never written reads as zeros.",
		Example: "  fdelab drive read a.drive --lba 8 --sectors 2 --out sectors.bin",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if f, ok := a.out.w.(*os.File); ok && out == "" && term.IsTerminal(int(f.Fd())) {
				return usagef("drive read: sectors are no text for a terminal: give --out, or redirect standard output")
			}
			return a.withDrive("drive read", args[0], func(d *driveFile) error {
				if total := d.Config().Sectors; sectors == 0 || lba >= total || sectors > total-lba {
					return usagef("drive read: %d sectors from sector %d on, %s has %d", sectors, lba, d.path, total)
				}
				return a.opened(d, lba, as, pin, func() error {
					if out == "" {
						return copySectors(d, a.out, lba, sectors)
					}
					var refused error
					err := newFile(out, 0o600, func(f *os.File) error {
						refused = copySectors(d, f, lba, sectors)
						return refused
					})
					if err != nil && refused == nil {
						return cannotf("drive read: %w", plainDriveError(err))
					}
					return refused
				})
			})
		},
	}
	pin.flags(c, "pin", "the PIN of the BandMaster, or of --as, for a locked range")
	c.Flags().StringVar(&as, "as", "", "who opens a locked range of an Opal drive, such as User1 (default Admin1)")
	c.Flags().Uint64Var(&lba, "lba", 0, "the first sector")
	c.Flags().Uint64Var(&sectors, "sectors", 1, "how many")
	c.Flags().StringVar(&out, "out", "", "new file for the sectors (default standard output)")
	return c
}

func copySectors(d *driveFile, w io.Writer, lba, sectors uint64) error {
	size := uint64(d.Config().SectorSize)
	b := make([]byte, min(ioChunk, sectors*size))
	defer clear(b)
	for left := sectors; left > 0; {
		n := min(left, uint64(len(b))/size)
		if err := d.Read(lba, b[:n*size]); err != nil {
			return err
		}
		if _, err := w.Write(b[:n*size]); err != nil {
			return err
		}
		lba, left = lba+n, left-n
	}
	return nil
}

func newDriveWriteCmd(a *app) *cobra.Command {
	var pin pinSource
	var lba uint64
	var in, as string
	c := &cobra.Command{
		Use:   "write FILE",
		Short: "write sectors, from standard input or a file",
		Long: "write stores whole sectors, at most 256 MiB. What is to be written is read to its end first, so that\n" +
			"nothing is changed where it does not fit. A locked range is opened with the PIN of its BandMaster\n" +
			"for this command alone. Once it is done, the sectors survive a loss of power of the machine.",
		Example: "  fdelab drive write a.drive --lba 8 --in sectors.bin",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := a.sectorsToWrite(in)
			if err != nil {
				return err
			}
			defer clear(data)
			return a.withDrive("drive write", args[0], func(d *driveFile) error {
				cfg := d.Config()
				size := uint64(cfg.SectorSize)
				sectors := uint64(len(data)) / size
				switch {
				case len(data) == 0 || uint64(len(data))%size != 0:
					return usagef("drive write: %d bytes, need whole sectors of %d bytes", len(data), size)
				case lba >= cfg.Sectors || sectors > cfg.Sectors-lba:
					return usagef("drive write: %d sectors from sector %d on, %s has %d", sectors, lba, d.path, cfg.Sectors)
				}
				err := a.opened(d, lba, as, pin, func() error { return d.Write(lba, data) })
				if err != nil {
					return err
				}
				return a.did(d, "%d sectors written from sector %d on", sectors, lba)
			})
		},
	}
	pin.flags(c, "pin", "the PIN of the BandMaster, or of --as, for a locked range")
	c.Flags().StringVar(&as, "as", "", "who opens a locked range of an Opal drive, such as User1 (default Admin1)")
	c.Flags().Uint64Var(&lba, "lba", 0, "the first sector")
	c.Flags().StringVar(&in, "in", "", "file with the sectors (default standard input)")
	return c
}

// sectorsToWrite reads standard input or a file to its end.
func (a *app) sectorsToWrite(name string) ([]byte, error) {
	r := a.in
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, cannotf("drive write: %w", plainDriveError(err))
		}
		defer f.Close()
		r = f
	} else if a.terminalIn() {
		return nil, usagef("drive write: sectors are not typed at a terminal: give --in, or redirect standard input")
	}
	data, err := limitedRead(r, writeMax)
	if err != nil {
		return nil, errors.Join(cannotf("drive write: %w", plainDriveError(err)))
	}
	return data, nil
}
