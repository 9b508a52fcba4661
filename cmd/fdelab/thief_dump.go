package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

const (
	// driveMagic is how a drive file begins.
	driveMagic = "FDELABDR"
	// dumpMax is how large a raw image may be, in bytes.
	dumpMax = 256 << 20
	// A raw image is cut into pages, since its own are not known. They overlap, so that no wrap is cut
	// apart: the page that begins at byte N has pageOverlap bytes of the next one.
	rawPage     = 4096
	pageOverlap = 128
)

// readDump reads a drive file, with its fuses, or a raw image, without.
func readDump(path string) (drive.Dump, *drive.Fuses, error) {
	if err := regular(path); err != nil {
		return drive.Dump{}, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return drive.Dump{}, nil, notADump(err)
	}
	defer f.Close()
	head := make([]byte, len(driveMagic))
	if n, err := io.ReadFull(f, head); err != nil && n == 0 {
		return drive.Dump{}, nil, cannotf("thief: %s: there is nothing in it", path)
	}
	if string(head) == driveMagic {
		return readDrive(path)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return drive.Dump{}, nil, notADump(err)
	}
	b, err := limitedRead(f, dumpMax)
	if err != nil {
		return drive.Dump{}, nil, cannotf("thief: %s: %w", path, plainDriveError(err))
	}
	return rawDump(b), nil, nil
}

// readDrive reads all of a drive file that a search needs: the sectors are read when they are asked
// for, from a file that is not open any more, so each is asked for at once.
func readDrive(path string) (drive.Dump, *drive.Fuses, error) {
	d, err := openDriveFile(path)
	if err != nil {
		return drive.Dump{}, nil, cannotf("thief: %w", err)
	}
	dump, fuses := d.Dump(), d.Fuses()
	if err := dump.Unread(); err != nil {
		return drive.Dump{}, nil, errors.Join(cannotf("thief: %s: %w", path, plainDriveError(err)), d.Close())
	}
	written := map[uint64]bool{}
	for _, lba := range dump.Written {
		written[lba] = true
	}
	if err := d.Close(); err != nil {
		return drive.Dump{}, nil, cannotf("thief: %s: %w", path, plainDriveError(err))
	}
	dump.Sector = func(lba uint64) (sector []byte, ok bool) {
		if !written[lba] {
			return nil, false
		}
		again, err := openDriveFile(path)
		if err != nil {
			return nil, false
		}
		defer again.Close()
		return again.Dump().Sector(lba)
	}
	return dump, fuses, nil
}

// rawDump cuts a raw image into pages.
func rawDump(b []byte) drive.Dump {
	dump := drive.Dump{Geometry: flash.Geometry{Blocks: 1, PagesPerBlock: (len(b) + rawPage - 1) / rawPage, PageSize: rawPage}}
	for at := 0; at < len(b); at += rawPage {
		dump.Flash = append(dump.Flash, flash.Page{Page: at / rawPage, Data: b[at:min(len(b), at+rawPage+pageOverlap)]})
	}
	return dump
}

// regular refuses what is no file: a pipe would wait for its writer.
func regular(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return cannotf("thief: %s: not a regular file", path)
	}
	return nil
}

// readStart reads up to n bytes of a file from a place on.
func readStart(path string, at int64, n int) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, plainDriveError(err)
	}
	defer f.Close()
	b := make([]byte, n)
	got, err := f.ReadAt(b, at)
	if err != nil && err != io.EOF {
		return nil, plainDriveError(err)
	}
	if got == 0 {
		return nil, fmt.Errorf("%s: nothing at byte %d", path, at)
	}
	return b[:got], nil
}
