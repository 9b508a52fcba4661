package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/serve/control"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// controlOf is the path of the control socket beside a socket.
func controlOf(socket string) string { return socket + ".control" }

func newServeCmd(a *app) *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:         "serve FILE...",
		Annotations: needsLocks,
		Short:       "put drives in files behind a socket, where host software reaches them",
		Long: "serve gives drives in files their power and puts them behind a Unix socket until it is interrupted.\n" +
			"The first is drive 0, as /dev/nvme0 is. The socket carries TCG Storage's IF-SEND and IF-RECV, and\n" +
			"what says which drive it is. fdelab tcg speaks with it, and so do programs of others under the\n" +
			"preload library of contrib/shim. Only the owner of the socket can open it.\n\n" +
			"A second socket, with .control behind its name, is for fdelab power and fdelab reset. A drive\n" +
			"that is served is locked against every other process. What a drive has answered is in its file,\n" +
			"also if serve is killed then.\n\n" +
			"--nvme-tcp puts them behind a TCP socket as well, or instead: each is an NVMe/TCP subsystem. Linux\n" +
			"connects it with the line that is printed, and reads, writes, locks and erases it as a disk.\n" +
			"Whoever connects has the drive, so an address that other machines reach takes --expose.\n\n" +
			"--create makes new drives first: FILE and FILE.label must not be there. --size and --sectors say\n" +
			"how large a drive and its sectors are.\n\n" +
			"--trace writes a line of JSON for each command, decoded to names, without PINs and data, to a new\n" +
			"file, or behind a trace that is there.",
		Example: "  fdelab serve a.drive --socket drives.sock\n  fdelab tcg discover drives.sock\n" +
			"  fdelab serve o.drive --socket drives.sock --nvme-tcp 127.0.0.1:4420\n" +
			"  fdelab serve new.drive --create opal --size 1G --sectors 4096 --nvme-tcp 127.0.0.1:4420",
		Args: between(1, 256, "one file or more, 256 at most"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			if err := o.checkCreate(c.Flags()); err != nil {
				return err
			}
			return a.serveDrives(args, &o)
		},
	}
	c.Flags().StringVar(&o.socket, "socket", "", "path of the Unix socket to make")
	c.Flags().StringVar(&o.create, "create", "", "make the drives first, each of this SSC: opal or enterprise")
	c.Flags().StringVar(&o.size, "size", "1G", "with --create: bytes of a drive, with K, M, G or T behind them")
	c.Flags().IntVar(&o.sectors, "sectors", 4096, "with --create: bytes of a sector, 512 or 4096")
	c.Flags().StringVar(&o.trace, "trace", "", "new file, or one with a trace, that gets a line of JSON for each command")
	c.Flags().StringVar(&o.nvmeTCP, "nvme-tcp", "", "address to serve NVMe/TCP at, such as 127.0.0.1:4420; port 0 is any")
	c.Flags().StringVar(&o.nbd, "nbd", "", "address to serve NBD at, such as 127.0.0.1:10809, or unix:PATH")
	c.Flags().BoolVar(&o.expose, "expose", false, "let other machines reach --nvme-tcp and --nbd: whoever does has the drives")
	c.Flags().StringVar(&o.ready, "ready-file", "", "file that is there while the drives are served, with the answer of --json")
	c.Flags().StringVar(&o.psid, "psid-file", "", "new file for the PSID of the one drive that is served, from FILE.label")
	return c
}

// serveDrives opens the files and sockets, and serves until an interrupt.
func (a *app) serveDrives(files []string, o *serveOptions) (err error) {
	var units []*secsock.Unit
	var open []*driveFile
	defer func() {
		for _, d := range open {
			if closed := d.Close(); closed != nil {
				err = errors.Join(err, cannotf("serve: %s: %w", d.path, plainDriveError(closed)))
			} else if gone := d.vanished(); gone != nil && err == nil {
				err = cannotf("serve: %w", gone)
			}
		}
	}()
	if err := o.checkReady(); err != nil {
		return err
	}
	if err := o.makeDrives(files); err != nil {
		return err
	}
	if err := namedTwice(files); err != nil {
		return err
	}
	began := time.Now()
	for _, path := range files {
		d, err := openDriveFile(path)
		if err != nil {
			return cannotf("serve: %w", err)
		}
		open = append(open, d)
		if err := d.PowerOn(); err != nil {
			return d.refused("serve", err)
		}
		u, err := secsock.NewUnit(d.Drive, tcg.Options{Entropy: rand.Reader, Now: func() time.Duration { return time.Since(began) }})
		if err != nil {
			return d.refused("serve", err)
		}
		units = append(units, u)
	}
	if err := o.forgetReady(); err != nil {
		return err
	}
	tracer, closeTrace, err := a.openTrace(o.trace)
	if err != nil {
		return err
	}
	defer func() {
		if closed := closeTrace(); err == nil {
			err = closed
		}
	}()
	doors := &doors{o: o, answer: servingDrives{Drives: len(units)}}
	defer doors.close()
	data := secsock.NewServer(units, tracer)
	if o.socket != "" {
		if err := doors.sockets(data, control.NewServer(units, tracer)); err != nil {
			return err
		}
	}
	if o.nvmeTCP != "" {
		if err := doors.nvme(a, open, data); err != nil {
			return err
		}
	} else {
		defer work(units)()
	}
	if o.nbd != "" {
		if err := doors.nbd(a, open); err != nil {
			return err
		}
	}
	if o.psid != "" {
		if err := o.writePSID(files[0] + ".label"); err != nil {
			return err
		}
	}
	return a.serveAt(doors)
}

// namedTwice refuses a file that stands on the command line twice, under whatever name.
func namedTwice(files []string) error {
	var seen []os.FileInfo
	for n, path := range files {
		now, err := os.Stat(path)
		if err != nil {
			return cannotf("serve: %w", plainDriveError(err))
		}
		for m, was := range seen {
			if os.SameFile(was, now) {
				return usagef("serve: %s and %s are one file, drive %d and drive %d: name each drive once", files[m], path, m, n)
			}
		}
		seen = append(seen, now)
	}
	return nil
}

// openTrace opens the file of a trace for appending: a new one, an empty one, or a trace. An empty path
// is no trace.
func (a *app) openTrace(path string) (*secsock.Tracer, func() error, error) {
	if path == "" {
		return nil, func() error { return nil }, nil
	}
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return nil, nil, usagef("serve: --trace %s: not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, cannotf("serve: %w", plainDriveError(err))
	}
	is, err := isTrace(f)
	switch {
	case err != nil:
		err = cannotf("serve: %w", plainDriveError(err))
	case !is:
		err = usagef("serve: --trace %s: it is no trace, need a new file, an empty one, or a trace of fdelab serve", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	t := a.tracer(f)
	return t, func() error {
		closed := f.Close()
		if t.Err() != nil {
			return &exitError{code: exitCannot, err: errTold}
		}
		if closed != nil {
			return cannotf("serve: the trace: %w", plainDriveError(closed))
		}
		return nil
	}, nil
}

// tracer makes the trace, whose first error is told when it happens: a server runs on for long.
func (a *app) tracer(w io.Writer) *secsock.Tracer {
	t := secsock.NewTracer(w, time.Now)
	t.OnError(func(err error) {
		a.note("error: serve: the trace ends here, the drives go on: %s", oneLine(plainDriveError(err).Error()))
	})
	return t
}

// traceLineMax is how long the first line of a trace is looked at, in bytes.
const traceLineMax = 1 << 20

// isTrace says whether a file is empty, or begins with a line of a trace.
func isTrace(f *os.File) (bool, error) {
	line, err := bufio.NewReader(io.LimitReader(f, traceLineMax)).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return len(line) == 0, nil
	}
	if err != nil {
		return false, err
	}
	var r secsock.Record
	if json.Unmarshal(line, &r) != nil || r.N < 1 || r.Command == "" || r.Status == "" {
		return false, nil
	}
	_, err = time.Parse(time.RFC3339Nano, r.Time)
	return err == nil, nil
}

// servingDrives is the JSON answer, printed when the sockets are there.
type servingDrives struct {
	Listen  string     `json:"listen,omitempty"`
	Control string     `json:"control,omitempty"`
	Drives  int        `json:"drives"`
	NVMe    []nvmeDisk `json:"nvme_tcp,omitempty"`
	NBD     []nbdDisk  `json:"nbd,omitempty"`
}

func (a *app) serveAt(d *doors) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, len(d.servers))
	for i, s := range d.servers {
		go func() { done <- s.Serve(d.listeners[i]) }()
	}
	d.taken = true
	switch {
	case a.json:
		err = a.printJSON(d.answer)
	case d.o.socket != "":
		a.printf("listening at %s, %s; power and resets at %s\n", d.o.socket, count(d.answer.Drives, "drive"), controlOf(d.o.socket))
		fallthrough
	default:
		for _, n := range d.answer.NVMe {
			a.printf("%s\n", n.line())
		}
		for _, n := range d.answer.NBD {
			a.printf("%s: %s\n", n.File, n.URI)
		}
	}
	left := len(d.servers)
	if err = errors.Join(err, a.out.err, d.o.markReady(d.answer)); err == nil {
		select {
		case err = <-done:
			left--
		case <-ctx.Done():
		}
	}
	for _, s := range d.servers {
		err = errors.Join(err, s.Close())
	}
	for range left {
		err = errors.Join(err, <-done)
	}
	if err = errors.Join(err, d.o.unmarkReady()); err != nil {
		return cannotf("serve: %w", err)
	}
	return nil
}
