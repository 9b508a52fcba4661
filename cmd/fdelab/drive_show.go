package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// driveInfo is the JSON answer of `fdelab drive info`.
type driveInfo struct {
	File          string        `json:"file"`
	Serial        string        `json:"serial"`
	Model         string        `json:"model"`
	Identity      string        `json:"identity"` // fingerprint, 64 hexadecimal digits
	SectorSize    int           `json:"sector_size"`
	Sectors       uint64        `json:"sectors"`
	Written       int           `json:"written"` // sectors ever written
	State         drive.State   `json:"state"`
	KeyGeneration uint32        `json:"key_generation"`
	TryLimit      uint16        `json:"try_limit"`
	Ranges        []driveRange  `json:"ranges"` // empty where the drive has no record that it trusts
	Opal          *opalInfo     `json:"opal,omitempty"`
	Sanitize      *sanitizeInfo `json:"sanitize,omitempty"` // where there was a sanitize operation
}

type driveRange struct {
	Range       int      `json:"range"`
	Start       uint64   `json:"start"`
	Length      uint64   `json:"length"` // 0: the global range, or one without a place
	ReadLocked  bool     `json:"read_locked"`
	WriteLocked bool     `json:"write_locked"`
	LockEnabled bool     `json:"lock_enabled"`
	LocksAt     []string `json:"locks_at"`
	AtMSID      bool     `json:"at_msid"`             // its BandMaster has the factory PIN
	OpenedBy    []string `json:"opened_by,omitempty"` // in an Opal drive: who is granted it
}

func newDriveInfoCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "info FILE",
		Short: "print what a drive tells any host: state, ranges, locks",
		Long: "info prints what the drive tells any host after it got power: its lifecycle state, its ranges and\n" +
			"their locks, and whose PIN is still the MSID. Ranges that nobody gave a place are left out, but\n" +
			"not of --json. No PIN is needed, and none is printed.",
		Example: "  fdelab drive info a.drive",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive info", args[0], func(d *driveFile) error { return a.driveInfo(d) })
		},
	}
}

func (a *app) driveInfo(d *driveFile) error {
	cfg, s := d.Config(), d.Status()
	id, err := d.Identity()
	if err != nil {
		return err
	}
	info := driveInfo{
		File: d.path, Serial: cfg.Serial, Model: cfg.Model, Identity: id.Fingerprint(), SectorSize: cfg.SectorSize, Sectors: cfg.Sectors,
		Written: writtenSectors(d), State: s.State, KeyGeneration: s.KeyGeneration, TryLimit: cfg.TryLimit, Ranges: []driveRange{},
	}
	for n := range cfg.Ranges + 1 {
		r, err := d.Range(n)
		if errors.Is(err, drive.Degraded) {
			break
		}
		if err != nil {
			return err
		}
		one := driveRange{
			Range: n, Start: r.Start, Length: r.Length, AtMSID: r.AtMSID, LockEnabled: r.ReadLockEnabled || r.WriteLockEnabled,
			ReadLocked: r.ReadLockEnabled && r.ReadLocked, WriteLocked: r.WriteLockEnabled && r.WriteLocked, LocksAt: resetNames(r.LockOnReset),
		}
		if cfg.Personality == drive.Opal {
			if err := grantedBy(d, n, &one); err != nil {
				return err
			}
		}
		info.Ranges = append(info.Ranges, one)
	}
	if info.Opal, err = opalInfoOf(d); err != nil {
		return err
	}
	if info.Sanitize, err = sanitizeInfoOf(d); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(info)
	}
	a.printf("serial      %s\nmodel       %s\nidentity    %s\n", info.Serial, info.Model, id)
	a.printf("size        %d sectors of %d bytes, %d written\n", info.Sectors, info.SectorSize, info.Written)
	a.printf("state       %v\ngeneration  %d\n", info.State, info.KeyGeneration)
	if info.Sanitize != nil {
		a.printf("sanitize    %s\n", info.Sanitize.Sentence)
	}
	a.opalInfo(info.Opal)
	a.rangeTable(info.Ranges)
	return nil
}

// rangeTable prints the ranges that have a place.
func (a *app) rangeTable(ranges []driveRange) {
	if len(ranges) == 0 {
		return
	}
	t := layout.NewTable(a.out, a.width())
	opal := len(ranges[0].OpenedBy) > 0
	if opal {
		t.Head("range\tsectors\tlocks\topened by")
	} else {
		t.Head("range\tsectors\tlocks\tPIN of its BandMaster")
	}
	for _, r := range ranges {
		if r.Range > 0 && r.Length == 0 && (r.AtMSID || opal) {
			continue
		}
		place := "all others"
		switch {
		case r.Length > 0:
			place = fmt.Sprintf("%d to %d", r.Start, r.Start+r.Length-1)
		case r.Range > 0:
			place = "none"
		}
		pin := "its own"
		if r.AtMSID {
			pin = "MSID"
		}
		if opal {
			pin = strings.Join(r.OpenedBy, ", ")
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", r.Range, place, lockWords(r), pin)
	}
	_ = t.Flush() // a.out keeps its error
}

func lockWords(r driveRange) string {
	switch {
	case !r.LockEnabled:
		return "off"
	case r.ReadLocked && r.WriteLocked:
		return "locked"
	case r.ReadLocked:
		return "read locked"
	case r.WriteLocked:
		return "write locked"
	}
	return "open"
}

func resetNames(s drive.ResetSet) []string {
	names := []string{}
	for _, r := range []struct {
		is   drive.ResetSet
		name string
	}{{drive.OnPowerCycle, "power cycle"}, {drive.OnHardware, "hardware reset"}, {drive.OnHotPlug, "hot plug reset"}, {drive.OnProgrammatic, "TPER_RESET"}} {
		if s&r.is != 0 {
			names = append(names, r.name)
		}
	}
	return names
}

// driveKeys is the JSON answer of `fdelab drive keys`.
type driveKeys struct {
	Generation uint32      `json:"generation"`
	Slots      []keySlot   `json:"slots"`
	Ranges     []rangeKeys `json:"ranges"`
	Tables     []tableKeys `json:"tables,omitempty"` // of an Opal drive
}

type tableKeys struct {
	Table    string   `json:"table"`
	WrapsBy  []string `json:"wraps_by"`
	RootWrap bool     `json:"root_wrap"`
}

type keySlot struct {
	Authority string `json:"authority"`
	AtMSID    bool   `json:"at_msid"`
	Tries     uint16 `json:"tries"` // wrong PINs since the last right one
	Disabled  bool   `json:"disabled,omitempty"`
	NoPIN     bool   `json:"no_pin,omitempty"`
}

// pinWord says in a table which PIN an authority has.
func (s *keySlot) pinWord() string {
	switch {
	case s.AtMSID:
		return "MSID"
	case s.NoPIN && s.Disabled:
		return "none, disabled"
	case s.NoPIN:
		return "none"
	case s.Disabled:
		return "its own, disabled"
	}
	return "its own"
}

// authorityNames are the names of authorities.
func authorityNames(who []drive.Authority) []string {
	by := []string{}
	for _, w := range who {
		by = append(by, w.String())
	}
	return by
}

type rangeKeys struct {
	Range    int      `json:"range"`
	WrapsBy  []string `json:"wraps_by"`  // authorities whose key wraps the media key
	RootWrap bool     `json:"root_wrap"` // the media key is wrapped by a key of the fuses
	InRAM    bool     `json:"in_ram"`    // the range can be used now
}

func newDriveKeysCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "keys FILE",
		Short: "print what is wrapped by what, without a secret",
		Long: "keys prints the key hierarchy as the drive's record has it. Each range has a media key. It is\n" +
			"wrapped by the key of its BandMaster, or, where the range is open after a loss of power, by the\n" +
			"root key in the fuses. The key of an authority is wrapped by its PIN and the root key. In an Opal\n" +
			"drive everybody who is granted a range has a wrap of its own, and so have the tables of bytes.",
		Example: "  fdelab drive keys a.drive",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withDrive("drive keys", args[0], func(d *driveFile) error {
				m, err := d.KeyMap()
				if err != nil {
					return err
				}
				return a.driveKeys(m)
			})
		},
	}
}

func (a *app) driveKeys(m drive.KeyMap) error {
	k := driveKeys{Generation: m.Generation, Slots: []keySlot{}, Ranges: []rangeKeys{}}
	for _, s := range m.Slots {
		k.Slots = append(k.Slots, keySlot{s.Authority.String(), s.AtMSID, s.Tries, s.Disabled, s.NoPIN})
	}
	for _, r := range m.Ranges {
		k.Ranges = append(k.Ranges, rangeKeys{r.Range, authorityNames(r.WrapsBy), r.RootWrap, r.InRAM})
	}
	for _, t := range m.Tables {
		k.Tables = append(k.Tables, tableKeys{t.Area.String(), authorityNames(t.WrapsBy), t.RootWrap})
	}
	if a.json {
		return a.printJSON(k)
	}
	a.printf("generation  %d\n\n", k.Generation)
	t := layout.NewTable(a.out, a.width())
	t.Head("authority\tPIN\twrong PINs")
	for _, s := range k.Slots {
		fmt.Fprintf(t, "%s\t%s\t%d\n", s.Authority, s.pinWord(), s.Tries)
	}
	_ = t.Flush() // a.out keeps its error
	a.printf("\n")
	t = layout.NewTable(a.out, a.width())
	t.Head("range\tmedia key wrapped by\tin RAM")
	for _, r := range k.Ranges {
		inRAM := "no"
		if r.InRAM {
			inRAM = "yes"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\n", r.Range, wrapWords(r.WrapsBy, r.RootWrap), inRAM)
	}
	_ = t.Flush()
	if len(k.Tables) == 0 {
		return nil
	}
	a.printf("\n")
	t = layout.NewTable(a.out, a.width())
	t.Head("table\tkey wrapped by")
	for _, r := range k.Tables {
		fmt.Fprintf(t, "%s\t%s\n", r.Table, wrapWords(r.WrapsBy, r.RootWrap))
	}
	_ = t.Flush()
	return nil
}

// wrapWords are who wraps a key.
func wrapWords(by []string, root bool) string {
	if root {
		by = append(slices.Clone(by), "root key")
	}
	return strings.Join(by, ", ")
}

// dumped is the JSON answer of `fdelab drive dump`.
type dumped struct {
	Flash         string `json:"flash"`
	Blocks        int    `json:"blocks"`
	PagesPerBlock int    `json:"pages_per_block"`
	PageSize      int    `json:"page_size"` // bytes
	Programmed    int    `json:"programmed_pages"`
	Media         string `json:"media,omitempty"`
	SectorSize    int    `json:"sector_size"` // bytes
	Written       int    `json:"written_sectors"`
}

func newDriveDumpCmd(a *app) *cobra.Command {
	var flash, media string
	c := &cobra.Command{
		Use:   "dump FILE",
		Short: "write what a soldering iron gets: the flash, and the sectors as they lie on the media",
		Long: "dump writes what a thief gets who takes the drive apart. The drive needs no power and no PIN for\n" +
			"that, and the fuses inside the chip are not part of it. Nothing in the drive changes.\n\n" +
			"--flash gets the raw flash: every page in order, block by block, a blank byte as FF. --media gets\n" +
			"the raw media: the ciphertext of sector N at byte N times the sector size, and behind the last\n" +
			"sector an Opal drive's MBR shadow and DataStore. What was never written is a\n" +
			"hole, which reads as zeros. Both are made with mode 0600 and replace nothing.",
		Example: "  fdelab drive dump a.drive --flash a.flash --media a.media",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if flash == "" {
				return usagef("drive dump: need --flash FILE")
			}
			return a.withDarkDrive("drive dump", args[0], func(d *driveFile) error { return a.driveDump(d, flash, media) })
		},
	}
	c.Flags().StringVar(&flash, "flash", "", "new file for the flash (required)")
	c.Flags().StringVar(&media, "media", "", "new file for the sectors")
	return c
}

func (a *app) driveDump(d *driveFile, flash, media string) error {
	dump := d.Dump()
	if err := dump.Unread(); err != nil {
		return cannotf("drive dump: %w", plainDriveError(err))
	}
	g := dump.Geometry
	err := newFile(flash, 0o600, func(f *os.File) error {
		w := bufio.NewWriter(f)
		blank := make([]byte, g.PageSize)
		for i := range blank {
			blank[i] = 0xFF
		}
		next := 0
		for block := range g.Blocks {
			for page := range g.PagesPerBlock {
				data := blank
				if next < len(dump.Flash) && dump.Flash[next].Block == block && dump.Flash[next].Page == page {
					data = dump.Flash[next].Data
					next++
				}
				_, _ = w.Write(data) // Flush tells
			}
		}
		return w.Flush()
	})
	if err != nil {
		return cannotf("drive dump: %w", plainDriveError(err))
	}
	size := d.Config().SectorSize
	if media != "" {
		if err := newFile(media, 0o600, func(f *os.File) error { return writeSectors(f, dump, size, mediaSectors(d)) }); err != nil {
			return cannotf("drive dump: %w", plainDriveError(err))
		}
	}
	if a.json {
		return a.printJSON(dumped{flash, g.Blocks, g.PagesPerBlock, g.PageSize, len(dump.Flash), media, size, len(dump.Written)})
	}
	a.printf("%s: %d blocks of %d pages of %d bytes, programmed pages: %d\n", flash, g.Blocks, g.PagesPerBlock, g.PageSize, len(dump.Flash))
	if media != "" {
		a.printf("%s: %d sectors of %d bytes, written sectors: %d\n", media, mediaSectors(d), size, len(dump.Written))
	}
	return nil
}

// writeSectors writes each written sector at its place.
func writeSectors(f *os.File, dump drive.Dump, size int, sectors uint64) error {
	if err := f.Truncate(int64(sectors) * int64(size)); err != nil {
		return err
	}
	for _, lba := range dump.Written {
		b, ok := dump.Sector(lba)
		if !ok {
			return fmt.Errorf("sector %d cannot be read", lba)
		}
		if _, err := f.WriteAt(b, int64(lba)*int64(size)); err != nil {
			return err
		}
	}
	return nil
}

// limitedRead reads at most limit bytes of r; more is an error.
func limitedRead(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}
