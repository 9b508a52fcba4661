package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// opalInfo is what drive info says of an Opal drive beside its ranges.
type opalInfo struct {
	Activated     bool   `json:"activated"`
	MBRSize       uint64 `json:"mbr_size"` // bytes
	MBREnabled    bool   `json:"mbr_enabled"`
	MBRDone       bool   `json:"mbr_done"`
	DataStoreSize uint64 `json:"datastore_size"` // bytes
}

// opalInfoOf is nil for an Enterprise drive, and for one without a record that it trusts.
func opalInfoOf(d *driveFile) (*opalInfo, error) {
	cfg := d.Config()
	if cfg.Personality != drive.Opal || !d.trusted() {
		return nil, nil
	}
	o, err := d.Opal()
	if err != nil {
		return nil, err
	}
	active, err := o.Activated()
	if err != nil {
		return nil, err
	}
	m, err := o.MBRControl()
	return &opalInfo{active, cfg.MBRSize, m.Enable, m.Done, cfg.DataStoreSize}, err
}

// trusted says whether the drive has a record.
func (d *driveFile) trusted() bool {
	_, err := d.Range(0)
	return err == nil
}

func (a *app) opalInfo(o *opalInfo) {
	if o == nil {
		return
	}
	shadow := "off"
	if o.MBREnabled {
		shadow = "on, " + word(o.MBRDone, "done", "not done")
	}
	a.printf("Locking SP  %s\nMBR shadow  %d bytes, %s\nDataStore   %d bytes\n", word(o.Activated, "activated", "not activated"), o.MBRSize, shadow, o.DataStoreSize)
}

// grantedBy says who is granted a range of an Opal drive.
func grantedBy(d *driveFile, n int, r *driveRange) error {
	o, err := d.Opal()
	if err != nil {
		return err
	}
	who, root, err := o.Holders(drive.RangeArea(n))
	if err != nil {
		return err
	}
	r.OpenedBy = authorityNames(who)
	if root {
		r.OpenedBy = append(r.OpenedBy, "anybody")
	}
	return nil
}

// mediaSectors is how many sectors the medium has.
func mediaSectors(d *driveFile) uint64 {
	cfg := d.Config()
	return cfg.MediaSectors()
}

// writtenSectors counts the sectors that a host has ever written. Behind the last one an Opal drive has its
// tables.
func writtenSectors(d *driveFile) (n int) {
	total := d.Config().Sectors
	for _, lba := range d.Dump().Written {
		if lba < total {
			n++
		}
	}
	return n
}

// onlyEnterprise refuses what an Opal drive has in another way.
func (d *driveFile) onlyEnterprise(what, instead string) error {
	if d.Config().Personality != drive.Opal {
		return nil
	}
	return usagef("%s: %s is an Opal drive, and this command is for Enterprise drives: use %s", what, d.path, instead)
}

// opalAuthority reads the name of an Admin or a User.
func opalAuthority(name string) (drive.Authority, error) {
	for _, class := range []struct {
		prefix string
		last   int
		of     func(int) drive.Authority
	}{{"admin", drive.Admins, drive.Admin}, {"user", drive.Users, drive.User}} {
		digits, ok := strings.CutPrefix(strings.ToLower(name), class.prefix)
		if n, err := strconv.Atoi(digits); ok && err == nil && n >= 1 && n <= class.last {
			return class.of(n), nil
		}
	}
	return drive.Nobody, usagef("--as %q: use Admin1 to Admin%d, or User1 to User%d", name, drive.Admins, drive.Users)
}

// asGranted opens range n of an Opal drive for this command, as somebody who is granted it, and runs do.
func (a *app) asGranted(d *driveFile, n int, as string, pin pinSource, do func() error) error {
	who, err := opalAuthority(as)
	if err != nil {
		return err
	}
	o, err := d.Opal()
	if err != nil {
		return err
	}
	p, err := pin.read(a, fmt.Sprintf("PIN of %v of %s", who, d.path))
	if err != nil {
		return err
	}
	defer p.Clear()
	l, err := o.Login(who, p)
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := o.Begin(l)
	if err != nil {
		return err
	}
	defer c.Abort()
	if err := c.SetLocks(n, false, false); err != nil {
		return err
	}
	if err := c.Commit(); err != nil {
		return err
	}
	return do()
}
