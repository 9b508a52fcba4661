package main

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"os"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/wired"
	"github.com/seed-9d983aeb/fdelab/serve/control"
	"github.com/seed-9d983aeb/fdelab/serve/device"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// unknownCapacity is that of a device which does not tell it, in sectors of 512 bytes: 8 GiB, below that of any
// real one. Without a way to the sectors nothing but the places of ranges depends on it.
const unknownCapacity = 1 << 24

// disk is a way to the sectors of a device.
type disk interface {
	wired.Disk
	io.Closer
	SectorSize() int
	Sectors() uint64
}

// openDisk opens what --disk names.
func openDisk(path string, n int) (disk, error) {
	if isNVMe(path) {
		return openNVMe("conform", path, n)
	}
	d, err := device.OpenDisk(path)
	if err != nil {
		return nil, cannotf("conform: --disk: %w", plainDriveError(err)).withHint("need nvme://ADDRESS:PORT of fdelab serve --nvme-tcp, or a block device such as /dev/nvme0n1")
	}
	return d, nil
}

// fileDisk is the sectors of a drive in a file.
type fileDisk struct{ *driveFile }

// Flush has what was written survive a loss of power.
func (d fileDisk) Flush() error { return d.Sync() }

// byHand gives a device behind a socket the hand at its power and resets.
func byHand(s *wired.Single, hand *control.Client, n int) {
	do := func(a control.Action) error { _, err := hand.Do(a, n); return err }
	s.Power = func(on bool) error {
		if on {
			return do(control.PowerOn)
		}
		return do(control.PowerOff)
	}
	s.Reset = func(k drive.ResetKind) error {
		if k == drive.HotPlugReset {
			return do(control.ResetHot)
		}
		return do(control.ResetWarm)
	}
}

// reached opens a device with what there is of it beside its security interface: a drive in a file has its sectors,
// its power and its resets, one behind a socket the hand at its power and resets, one behind an NVMe/TCP target its
// sectors. disk is where the sectors are of one that has none.
func (a *app) reached(w way, disk string, do func(*wired.Single) error) error {
	s := &wired.Single{SectorSize: 512, Capacity: unknownCapacity}
	i, err := os.Stat(w.path)
	if err == nil && i.Mode().IsRegular() {
		if disk != "" {
			return usagef("conform: --disk is for a device whose sectors are elsewhere, and %s has them", w.path)
		}
		return a.withDrive(w.what, w.path, func(d *driveFile) error {
			began := time.Now()
			t, err := tcg.New(d.Drive, tcg.Options{Entropy: rand.Reader, Now: func() time.Duration { return time.Since(began) }})
			if err != nil {
				return err
			}
			cfg := d.Config()
			s.Transport, s.SectorSize, s.Capacity, s.Disk, s.Reset = t, cfg.SectorSize, cfg.Sectors, fileDisk{d}, d.Reset
			s.Power = func(on bool) error {
				if on {
					return d.PowerOn()
				}
				d.PowerOff()
				return nil
			}
			return do(s)
		})
	}
	if disk != "" {
		d, err := openDisk(disk, w.drive)
		if err != nil {
			return err
		}
		defer d.Close()
		s.Disk, s.SectorSize, s.Capacity = d, d.SectorSize(), d.Sectors()
	}
	return a.transport(w, func(t transport.Transport) error {
		s.Transport = t
		switch t := t.(type) {
		case *nvmeWay:
			if s.Disk == nil {
				s.Disk, s.SectorSize, s.Capacity = t, t.SectorSize(), t.Sectors()
			}
		case *secsock.Client:
			if hand, err := control.Dial(controlOf(w.path)); err == nil {
				defer hand.Close()
				byHand(s, hand, w.drive)
			}
			if b, err := t.Identify(0); err == nil && s.Disk == nil && len(b) > 130 {
				s.SectorSize, s.Capacity = 1<<b[130], binary.LittleEndian.Uint64(b)
			}
		}
		return do(s)
	})
}
