package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func newDriveCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:         "drive",
		Annotations: needsLocks,
		Short:       "make and use a self-encrypting drive in a file",
		Long: "drive works with drives that are whole in a file: fuses, flash and media. Each command opens\n" +
			"the file, gives the drive power, does one thing and takes the power away. So a range that locks\n" +
			"at a loss of power is locked again for the next command.\n\n" +
			"A PIN comes from a file (--pin-file, mode 0600), from an environment variable (--pin-env), or is\n" +
			"asked for at a terminal. It is never an argument, which other users of the machine can see. The\n" +
			"first line of the file is the PIN; hex: and 64 digits stand for 32 bytes. An authority that still\n" +
			"has the factory PIN (MSID) needs none: the drive gives that to whoever asks.\n\n" +
			"The exit code is 1 if the drive refused, 3 if the file is no drive or cannot be used.",
		Example: "  fdelab drive create a.drive\n  fdelab drive info a.drive",
	})
	c.AddCommand(newDriveCreateCmd(a), newDriveInfoCmd(a), newDriveKeysCmd(a), newDriveDumpCmd(a),
		newDriveLockCmd(a), newDriveUnlockCmd(a), newDriveMigrateCmd(a), newDriveEraseCmd(a), newDriveRevertCmd(a), newDriveSanitizeCmd(a),
		newDriveReadCmd(a), newDriveWriteCmd(a))
	return c
}

// driveFile is a drive file that a command has open.
type driveFile struct {
	*drive.File
	path string
	was  os.FileInfo // of the path before it was opened
}

// openDriveFile opens a drive file; the drive has no power. The error is one line without a prefix.
func openDriveFile(path string) (*driveFile, error) {
	was, err := os.Stat(path)
	if err != nil {
		return nil, plainDriveError(err)
	}
	if !was.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	d, err := drive.OpenFile(path, drive.FileOptions{Entropy: rand.Reader})
	if err != nil {
		// The flash in the file names the file too.
		return nil, errors.New(strings.Replace(plainDriveError(err).Error(), ": flash: "+path+" at byte", ": the flash at byte", 1))
	}
	return &driveFile{File: d, path: path, was: was}, nil
}

// vanished says that the name is not that of the drive any more: what was written since is lost with
// the file that had the name.
func (d *driveFile) vanished() error {
	now, err := os.Stat(d.path)
	if err == nil && os.SameFile(d.was, now) {
		return nil
	}
	return fmt.Errorf("%s: the file was removed or replaced while the drive was in use: what was done is not in it", d.path)
}

// withDrive opens a drive file, gives the drive power, and closes it when do is done. what names the
// command in errors.
func (a *app) withDrive(what, path string, do func(d *driveFile) error) error {
	return a.withDarkDrive(what, path, func(d *driveFile) error {
		if err := d.PowerOn(); err != nil {
			return err
		}
		return do(d)
	})
}

// withDarkDrive is withDrive for a drive that stays without power.
func (a *app) withDarkDrive(what, path string, do func(d *driveFile) error) error {
	d, err := openDriveFile(path)
	if err != nil {
		return cannotf("%s: %w", what, err)
	}
	err = do(d)
	closed := d.Close()
	if err != nil {
		return d.refused(what, err)
	}
	if closed != nil {
		return cannotf("%s: %s: %w", what, path, plainDriveError(closed))
	}
	if err := d.vanished(); err != nil {
		return cannotf("%s: %w", what, err)
	}
	return nil
}

// refused gives an error of the drive its file, its exit code and a hint. An error that has an exit
// code stays as it is.
func (d *driveFile) refused(what string, err error) error {
	var known *exitError
	if errors.As(err, &known) {
		return err
	}
	var status *drive.StatusError
	if !errors.As(err, &status) {
		return cannotf("%s: %s: %w", what, d.path, plainDriveError(err))
	}
	e := failedf("%s: %s: %w", what, d.path, plainDriveError(err))
	switch {
	case status.Code == drive.MediaFailure || status.Code == drive.HardwareFailure || status.Code == drive.PowerLost:
		e.code = exitCannot // of the file below it, such as a disk that is full
	case status.Code == drive.Locked:
		if d.Config().Personality == drive.Opal {
			return e.withHint("give the PIN of who is granted the range with --as and --pin-file; under an MBR shadow nothing is written until it is done")
		}
		return e.withHint("give the PIN of the range with --pin-file; fdelab drive unlock opens it for good")
	case status.Code == drive.SanitizeFailed:
		return e.withHint(afterFailure)
	case status.Code == drive.SanitizeInProgress:
		return e.withHint(afterBreak)
	case status.Code == drive.LockedOut:
		return e.withHint("fdelab drive revert, with the PSID of the label, sets the drive back and gives its data up")
	case status.Code == drive.Degraded:
		return e.withHint("fdelab drive revert, with the PSID of the label, makes the drive usable again and gives its data up")
	}
	return e
}

// plainDriveError leaves out the name of the package, and what the system was doing to the file.
func plainDriveError(err error) error {
	var call *os.PathError
	if errors.As(err, &call) && err == error(call) {
		return fmt.Errorf("%s: %w", call.Path, call.Err)
	}
	if text, ok := strings.CutPrefix(err.Error(), "drive: "); ok {
		return errors.New(text)
	}
	return err
}

// band is the authority over range n of the drive.
func (d *driveFile) band(n int) (drive.Authority, error) {
	if last := d.Config().Ranges; n < 0 || n > last {
		return drive.Nobody, usagef("%s has no range %d, the last is %d", d.path, n, last)
	}
	return drive.BandMaster(n), nil
}

// session opens the session of an authority, with the MSID where the drive says that it has that and
// no other PIN was named.
func (d *driveFile) session(a *app, who drive.Authority, pin pinSource) (drive.Session, error) {
	p, err := d.pin(a, who, pin)
	if err != nil {
		return nil, err
	}
	defer p.Clear()
	return d.Authenticate(who, p)
}

func (d *driveFile) pin(a *app, who drive.Authority, pin pinSource) (drive.PIN, error) {
	if !pin.named() {
		factory, err := d.AtMSID(who)
		if err != nil {
			return drive.PIN{}, err
		}
		if factory {
			return d.MSID()
		}
	}
	return pin.read(a, fmt.Sprintf("PIN of %v of %s", who, d.path))
}
