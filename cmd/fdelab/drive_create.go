package main

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// created is the JSON answer of `fdelab drive create`. It holds no PIN.
type created struct {
	File   string `json:"file"`
	Serial string `json:"serial"`
	Label  string `json:"label"` // the file of the label
}

func newDriveCreateCmd(a *app) *cobra.Command {
	cfg := drive.Config{}
	var label, seed, personality string
	c := &cobra.Command{
		Use:   "create FILE",
		Short: "make a drive in a new file, and the file of its label",
		Long: "create manufactures a drive: keys, MSID and PSID are drawn, every authority has the MSID, nothing\n" +
			"is locked. It is of SSC Enterprise, as the drives of the lab are, or with --personality opal of SSC\n" +
			"Opal 2: then it has an MBR shadow and a DataStore as well, and its Locking SP waits to be activated.\n\n" +
			"The label (serial number, MSID, PSID) goes to a file of mode 0600 and is printed\n" +
			"nowhere. Without it nobody can revert the drive: keep it apart from the drive.\n\n" +
			"With --seed anybody can make the same keys: for tests only.",
		Example: "  fdelab drive create a.drive\n  fdelab drive create a.drive --serial FDE00001 --ranges 2 --label labels/a.label\n" +
			"  fdelab drive create o.drive --personality opal",
		Args: between(1, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := withPersonality(&cfg, personality, c.Flags()); err != nil {
				return err
			}
			source := rand.Reader
			if seed != "" {
				n, err := console.ParseSeed(seed)
				if err != nil {
					return usagef("drive create: --seed %q: %w", seed, err)
				}
				source = entropy.Stream(n, "fdelab drive create")
			}
			if err := drawSerial(&cfg, source); err != nil {
				return cannotf("drive create: serial number: %w", err)
			}
			return a.driveCreate(args[0], cmp.Or(label, args[0]+".label"), cfg, source)
		},
	}
	c.Flags().StringVar(&cfg.Serial, "serial", "", "serial number, 1 to 20 characters (default drawn)")
	c.Flags().StringVar(&cfg.Model, "model", "fdelab SED", "model, at most 40 characters")
	c.Flags().IntVar(&cfg.SectorSize, "sector-size", 512, "bytes of a sector: 512 or 4096")
	c.Flags().Uint64Var(&cfg.Sectors, "sectors", 1<<17, "capacity; what was never written takes no room")
	c.Flags().StringVar(&personality, "personality", "enterprise", "SSC that it follows: enterprise or opal")
	c.Flags().IntVar(&cfg.Ranges, "ranges", 8, "ranges beside the global one, 0 to 64, in an Opal drive to 16")
	c.Flags().Uint64Var(&cfg.MBRSize, "mbr-size", opalMBRSize, "bytes of an Opal drive's MBR shadow")
	c.Flags().Uint64Var(&cfg.DataStoreSize, "datastore-size", opalDataStoreSize, "bytes of an Opal drive's DataStore")
	c.Flags().Uint16Var(&cfg.TryLimit, "tries", 5, "wrong PINs until an authority is locked out; 0 is no limit")
	c.Flags().BoolVar(&cfg.Persistent, "persistent", true, "keep the counts of wrong PINs over a power cycle, and so from command to command")
	c.Flags().IntVar(&cfg.PBKDF2Iterations, "iterations", 1000, "PBKDF2 iterations for PINs of fewer than 32 bytes")
	c.Flags().StringVar(&label, "label", "", "file for the label (default FILE.label)")
	c.Flags().StringVar(&seed, "seed", "", "decides all keys and the label, so that others know them: for tests only")
	return c
}

// What an Opal drive has at least (Opal 4.3.5.4 and 4.3.6.1).
const (
	opalMBRSize       = 128 << 20
	opalDataStoreSize = 10 << 20
)

// withPersonality makes a configuration that of a drive of a personality. Only Opal drives have tables of
// bytes.
func withPersonality(cfg *drive.Config, name string, given *pflag.FlagSet) error {
	switch strings.ToLower(name) {
	case "opal":
		cfg.Personality = drive.Opal
	case "enterprise":
		for _, flag := range []string{"mbr-size", "datastore-size"} {
			if given.Changed(flag) {
				return usagef("drive create: --%s is for --personality opal: an Enterprise drive has no such table", flag)
			}
		}
		cfg.MBRSize, cfg.DataStoreSize = 0, 0
	default:
		return usagef("drive create: --personality %q: use enterprise or opal", name)
	}
	return nil
}

func (a *app) driveCreate(path, label string, cfg drive.Config, source io.Reader) error {
	if err := makeDrive("drive create", path, label, cfg, source); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(created{path, cfg.Serial, label})
	}
	a.printf("%s: drive %s, %d sectors of %d bytes; its label is in %s\n", path, cfg.Serial, cfg.Sectors, cfg.SectorSize, label)
	return nil
}

// makeDrive makes a drive in a new file, and the file of its label. Its errors begin with what was asked for.
func makeDrive(what, path, label string, cfg drive.Config, source io.Reader) (err error) {
	if err := cfg.Validate(); err != nil {
		return usagef("%s: %w", what, plainDriveError(err))
	}
	// The label first: a drive without one could never be reverted.
	f, err := os.OpenFile(label, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cannotf("%s: label: %w", what, plainDriveError(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(label))
		}
	}()
	d, l, err := drive.CreateFile(path, cfg, drive.FileOptions{Entropy: source})
	if errors.Is(err, fs.ErrExist) {
		return errors.Join(cannotf("%s: %s exists already and was left as it is", what, path), f.Close())
	}
	if err != nil {
		return errors.Join(cannotf("%s: %w", what, plainDriveError(err)), f.Close())
	}
	defer l.PSID.Clear()
	defer l.MSID.Clear()
	text := l.File()
	defer clear(text)
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close(), syncDirOf(label), d.Close()); err != nil {
		return errors.Join(cannotf("%s: %w", what, plainDriveError(err)), os.Remove(path))
	}
	return nil
}

// drawSerial gives a drive without a serial number one.
func drawSerial(cfg *drive.Config, source io.Reader) error {
	if cfg.Serial != "" {
		return nil
	}
	var b [4]byte
	if _, err := io.ReadFull(source, b[:]); err != nil {
		return err
	}
	cfg.Serial = fmt.Sprintf("FDE%08X", binary.BigEndian.Uint32(b[:]))
	return nil
}
