package main

import (
	"crypto/rand"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// checkCreate refuses flags of --create that say nothing of a drive, before anything is made.
func (o *serveOptions) checkCreate(given *pflag.FlagSet) error {
	if o.create == "" {
		for _, flag := range []string{"size", "sectors"} {
			if given.Changed(flag) {
				return usagef("serve: --%s is for --create, and a drive that is there has its own", flag)
			}
		}
		return nil
	}
	_, err := o.config()
	return err
}

// config is that of the drives to make, without a serial number.
func (o *serveOptions) config() (drive.Config, error) {
	cfg := drive.Config{Model: "fdelab SED", SectorSize: o.sectors, Ranges: 8, TryLimit: 5, Persistent: true, PBKDF2Iterations: 1000}
	switch strings.ToLower(o.create) {
	case "opal":
		cfg.Personality, cfg.MBRSize, cfg.DataStoreSize = drive.Opal, opalMBRSize, opalDataStoreSize
	case "enterprise":
	default:
		return cfg, usagef("serve: --create %q: use opal or enterprise", o.create)
	}
	if o.sectors != 512 && o.sectors != 4096 {
		return cfg, usagef("serve: --sectors %d: a sector has 512 or 4096 bytes", o.sectors)
	}
	size, err := parseSize(o.size)
	if err != nil {
		return cfg, usagef("serve: --size %q: %w", o.size, err)
	}
	if size%uint64(o.sectors) != 0 {
		return cfg, usagef("serve: --size %s: need a multiple of a sector's %d bytes", o.size, o.sectors)
	}
	cfg.Sectors = size / uint64(o.sectors)
	cfg.Serial = "FDE00000000" // one is drawn for each
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("serve: --create: %w", plainDriveError(err))
	}
	cfg.Serial = ""
	return cfg, nil
}

// parseSize reads bytes as 4096, 64K, 100M, 1G or 2T, powers of 1024.
func parseSize(text string) (uint64, error) {
	bad := errors.New("need bytes, or a number with K, M, G or T behind it, such as 1G")
	digits, shift := text, 0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("KMGT", text[n-1]&^0x20); i >= 0 {
			digits, shift = text[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n == 0 || n > math.MaxInt64>>shift {
		return 0, bad
	}
	return n << shift, nil
}

// makeDrives makes the drives of --create. None is made where a file of any of them is there.
func (o *serveOptions) makeDrives(files []string) error {
	if o.create == "" {
		return nil
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	for n, path := range files {
		for _, before := range files[:n] {
			if before == path {
				return usagef("serve: %s stands twice on the command line: name each drive once", path)
			}
		}
		for _, name := range []string{path, path + ".label"} {
			if _, err := os.Lstat(name); err == nil {
				return cannotf("serve: --create: %s exists already, and no drive was made", name)
			}
		}
	}
	for _, path := range files {
		c := cfg
		if err := drawSerial(&c, rand.Reader); err != nil {
			return cannotf("serve: --create: serial number: %w", err)
		}
		if err := makeDrive("serve: --create", path, path+".label", c, rand.Reader); err != nil {
			return err
		}
	}
	return nil
}
