package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/device"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

func newTCGCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "tcg",
		Short: "speak TCG Storage with a drive: behind a socket, in a file, or a real one",
		Long: "tcg asks a drive what it is by its security interface, and takes, locks, opens, erases and reverts\n" +
			"it. DEVICE is the socket of fdelab serve, a drive in a file, nvme://ADDRESS:PORT of\n" +
			"fdelab serve --nvme-tcp, or a drive of this machine such as /dev/nvme0 or /dev/sda. --drive is the\n" +
			"number behind a socket or an address.\n\n" +
			"PINs come from files, the environment or the terminal, as with fdelab drive. None is ever printed.\n" +
			"It speaks with drives of SSC Enterprise and of SSC Opal. --as says in whose name something is done:\n" +
			"in an Opal drive SID, Admin1, User1 and so on; AdminSP.Admin1 is the Admin of the Admin SP.\n\n" +
			"The exit code is 1 if the drive refused, 3 if it cannot be reached.",
		Example: "  fdelab tcg discover drives.sock\n  fdelab tcg ranges a.drive --json",
	})
	c.AddCommand(newTCGDiscoverCmd(a), newTCGPropertiesCmd(a), newTCGOwnerCmd(a), newTCGRangesCmd(a),
		newTCGTakeCmd(a), newTCGPINCmd(a), newTCGSetCmd(a), newTCGLockCmd(a), newTCGGenKeyCmd(a), newTCGEraseCmd(a), newTCGRevertCmd(a), newTCGAuthenticateCmd(a),
		newTCGActivateCmd(a), newTCGReactivateCmd(a), newTCGEnableCmd(a, true), newTCGEnableCmd(a, false), newTCGGrantCmd(a),
		newTCGMBRCmd(a), newTCGDataStoreCmd(a), newTCGDecodeCmd(a))
	return c
}

// way is how a command reaches a device.
type way struct {
	what  string // the command, for errors
	path  string
	drive int
	file  bool // path is a drive in a file
}

// flags adds --drive.
func (w *way) flags(c *cobra.Command) {
	c.Flags().IntVar(&w.drive, "drive", 0, "number of the drive behind a socket, from 0")
}

// transport opens the way, runs do, and closes it.
func (a *app) transport(w way, do func(transport.Transport) error) error {
	if w.drive < 0 || w.drive > 255 {
		return usagef("%s: drive %d: numbers go from 0 to 255", w.what, w.drive)
	}
	if isNVMe(w.path) {
		t, err := openNVMe(w.what, w.path, w.drive)
		if err != nil {
			return err
		}
		defer t.Close()
		return w.refused(do(t))
	}
	i, err := os.Stat(w.path)
	if err != nil {
		return cannotf("%s: %w", w.what, plainDriveError(err)).withHint(needDevice)
	}
	if w.drive != 0 && i.Mode().Type() != os.ModeSocket {
		return usagef("%s: --drive is for a socket, and %s is none", w.what, w.path)
	}
	if i.Mode().IsRegular() {
		return a.withDrive(w.what, w.path, func(d *driveFile) error {
			began := time.Now()
			t, err := tcg.New(d.Drive, tcg.Options{Entropy: rand.Reader, Now: func() time.Duration { return time.Since(began) }})
			if err != nil {
				return err
			}
			return w.refused(do(t))
		})
	}
	var t interface {
		transport.Transport
		io.Closer
	}
	if i.Mode().Type() == os.ModeSocket {
		t, err = secsock.Dial(w.path, w.drive)
	} else {
		t, err = device.Open(w.path)
	}
	if err != nil {
		return cannotf("%s: %w", w.what, plainSocketError(w.path, err)).withHint(needDevice)
	}
	err = w.refused(do(t))
	if closed := t.Close(); err == nil && closed != nil {
		return cannotf("%s: %s: %w", w.what, w.path, closed)
	}
	return err
}

// refused gives an error its device, its exit code and a hint.
func (w *way) refused(err error) error {
	var known *exitError
	if err == nil || errors.As(err, &known) {
		return err
	}
	var none secsock.NoDriveError
	if errors.As(err, &none) {
		return usagef("%s: %s: %w", w.what, w.path, none)
	}
	if socket, ok := strings.CutSuffix(w.path, ".control"); ok && errors.Is(err, secsock.ErrNotServer) {
		return usagef("%s: %s is the control socket, for fdelab power and fdelab reset", w.what, w.path).
			withHint("the drives are behind %s", socket)
	}
	if isInactive(err) {
		return w.inactive()
	}
	var status *host.StatusError
	if !errors.As(err, &status) {
		return cannotf("%s: %s: %s", w.what, w.path, strings.TrimPrefix(err.Error(), "tcg: "))
	}
	e := failedf("%s: %s: %s", w.what, w.path, strings.TrimPrefix(err.Error(), "tcg: "))
	switch status.Status {
	case spec.AuthorityLockedOut:
		return e.withHint("a power cycle sets the count of tries back, unless the drive keeps it; fdelab tcg revert, with the PSID of the label, gives the data up")
	case spec.SPBusy:
		return e.withHint("another host has a session; --recover ends what a host that crashed left open")
	}
	return e
}

// needDevice says what a device is.
const needDevice = "need the socket that fdelab serve listens at, a drive in a file, or a drive of this machine"

// plainSocketError says in one line why a socket cannot be reached or made.
func plainSocketError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such socket", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nobody listens there: its server has ended", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: only the owner of the socket may open it", path)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%s: the path of a socket has at most about 100 bytes, this one has %d", path, len(path))
	}
	var call *net.OpError
	if errors.As(err, &call) {
		return fmt.Errorf("%s: %w", path, call.Err)
	}
	return plainDriveError(err)
}

// hasRange refuses the number of a range that the drive does not have.
func (w *way) hasRange(d *host.Device, n int) error {
	if err := w.active(d); err != nil {
		return err
	}
	i, err := d.LockingInfo()
	if err != nil {
		return err
	}
	if n < 0 || n > i.MaxRanges {
		return usagef("%s: %s has no range %d, the last is %d", w.what, w.path, n, i.MaxRanges)
	}
	return nil
}

// device opens a device and runs do.
func (a *app) device(w way, recover bool, do func(*host.Device) error) error {
	return a.transport(w, func(t transport.Transport) error {
		d, err := host.Open(t, host.Options{Wait: func() { time.Sleep(5 * time.Millisecond) }})
		if err != nil {
			return err
		}
		if recover {
			if err := d.Recover(); err != nil {
				return err
			}
		}
		return do(d)
	})
}

// deviceCmd makes a command on a device.
func deviceCmd(a *app, use, short, long string, more func(c *cobra.Command), do func(w way, d *host.Device) error) *cobra.Command {
	w := way{what: "tcg " + use}
	var recover bool
	c := &cobra.Command{
		Use:   use + " DEVICE",
		Short: short,
		Long:  long,
		Args:  between(1, 1, "one device: a socket, a drive file, or a drive of this machine"),
		RunE: func(_ *cobra.Command, args []string) error {
			w.path = args[0]
			i, err := os.Stat(w.path)
			w.file = err == nil && i.Mode().IsRegular()
			return a.device(w, recover, func(d *host.Device) error { return do(w, d) })
		},
	}
	w.flags(c)
	c.Flags().BoolVar(&recover, "recover", false, "first end all sessions, also those of others (STACK_RESET)")
	if more != nil {
		more(c)
	}
	return c
}
