package main

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/serve/control"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// serveOptions are the flags of fdelab serve.
type serveOptions struct {
	socket, trace, nvmeTCP, nbd, ready, psid string
	expose                                   bool
	create, size                             string // the SSC of drives to make, or ""; bytes, as 1G
	sectors                                  int    // bytes of a sector of these drives
	marked                                   []byte // what the ready file holds, once it was made
}

// check refuses flags that do not go together, before anything is opened.
func (o *serveOptions) check(files []string) error {
	switch {
	case o.socket == "" && o.nvmeTCP == "" && o.nbd == "":
		return usagef("serve: need --socket PATH, --nvme-tcp ADDRESS, or --nbd ADDRESS")
	case o.psid != "" && len(files) != 1:
		return usagef("serve: --psid-file is for one drive, here are %d", len(files))
	}
	if o.nvmeTCP != "" {
		if err := o.checkAddress("--nvme-tcp", o.nvmeTCP, "127.0.0.1:4420"); err != nil {
			return err
		}
	}
	path, isPath := strings.CutPrefix(o.nbd, unixPrefix)
	switch {
	case isPath && path == "":
		return usagef("serve: --nbd %s: need the path of the Unix socket to make, such as %s", o.nbd, "unix:drives.nbd")
	case o.nbd != "" && !isPath:
		return o.checkAddress("--nbd", o.nbd, "127.0.0.1:10809, or unix:PATH")
	}
	return nil
}

// unixPrefix is in front of the path of a Unix socket.
const unixPrefix = "unix:"

// checkAddress refuses what is no TCP address, and one that other machines reach.
func (o *serveOptions) checkAddress(flag, address, example string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("serve: %s %s: need an address and a port, such as %s", flag, address, example)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && !o.expose {
		return usagef("serve: %s %s: other machines reach this address, and whoever connects has the drives: use 127.0.0.1, or --expose", flag, address)
	}
	return nil
}

// readyMost is how long a ready file may be, in bytes: a line for each of 256 drives at most.
const readyMost = 1 << 20

// checkReady refuses to replace a file that is no ready file: it could be a drive, or its label.
func (o *serveOptions) checkReady() error {
	if o.ready == "" {
		return nil
	}
	i, err := os.Lstat(o.ready)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cannotf("serve: --ready-file: %w", plainDriveError(err))
	}
	var was servingDrives
	if i.Mode().IsRegular() && i.Size() <= readyMost {
		b, err := os.ReadFile(o.ready)
		if err != nil {
			return cannotf("serve: --ready-file: %w", plainDriveError(err))
		}
		read := json.NewDecoder(bytes.NewReader(b))
		read.DisallowUnknownFields()
		if read.Decode(&was) == nil && was.Drives > 0 {
			return nil // of a server that was killed
		}
	}
	return usagef("serve: --ready-file %s: there is a file that fdelab serve did not make, and it was left as it is: need a new name", o.ready)
}

// markReady makes the file that says that the drives are served.
func (o *serveOptions) markReady(answer servingDrives) error {
	if o.ready == "" {
		return nil
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	o.marked = append(b, '\n')
	// Under another name first: who waits for the file finds it whole.
	f, err := os.CreateTemp(filepath.Dir(o.ready), ".ready-*")
	if err != nil {
		return plainDriveError(err)
	}
	_, err = f.Write(o.marked)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), o.ready)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return plainDriveError(err)
	}
	return nil
}

// unmarkReady removes the file, if it still is the one that markReady made.
func (o *serveOptions) unmarkReady() error {
	if o.marked == nil {
		return nil
	}
	if b, err := os.ReadFile(o.ready); err != nil || !bytes.Equal(b, o.marked) {
		return nil
	}
	if err := os.Remove(o.ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plainDriveError(err)
	}
	return nil
}

// forgetReady removes the file of a server that was killed. The drives are this process's by then, so
// nobody serves them.
func (o *serveOptions) forgetReady() error {
	if o.ready == "" {
		return nil
	}
	if err := os.Remove(o.ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannotf("serve: --ready-file: %w", plainDriveError(err))
	}
	return nil
}

// writePSID writes the PSID of a drive, and nothing else, to a new file, as cryptsetup wants it for a factory
// reset.
func (o *serveOptions) writePSID(label string) error {
	b, err := os.ReadFile(label)
	if err != nil {
		return cannotf("serve: --psid-file: the label: %w", plainDriveError(err))
	}
	defer clear(b)
	l, err := drive.ParseLabel(b)
	if err != nil {
		return cannotf("serve: --psid-file: %s: %w", label, err)
	}
	defer l.MSID.Clear()
	defer l.PSID.Clear()
	raw := l.PSID.Bytes()
	defer clear(raw)
	err = writeSecret(o.psid, func() ([]byte, error) { return raw, nil })
	if errors.Is(err, fs.ErrExist) {
		if there, err := os.ReadFile(o.psid); err == nil && subtle.ConstantTimeCompare(there, raw) == 1 {
			clear(there)
			return nil // of an earlier server
		}
		return cannotf("serve: --psid-file: %s exists already, holds something else, and was left as it is", o.psid)
	}
	if err != nil {
		return cannotf("serve: --psid-file: %w", plainDriveError(err))
	}
	return nil
}

// doors are the sockets at which the drives are served.
type doors struct {
	o         *serveOptions
	servers   []networkServer
	listeners []net.Listener
	taken     bool // the servers have the listeners
	answer    servingDrives
}

// close closes listeners that no server has taken.
func (d *doors) close() {
	if d.taken {
		return
	}
	for _, l := range d.listeners {
		_ = l.Close()
	}
}

// sockets opens the Unix sockets.
func (d *doors) sockets(data *secsock.Server, hand *control.Server) error {
	for i, path := range []string{d.o.socket, controlOf(d.o.socket)} {
		l, err := sockets.Listen(path)
		if err != nil {
			return cannotf("serve: %w", plainSocketError(path, err))
		}
		d.listeners = append(d.listeners, l)
		d.servers = append(d.servers, []networkServer{data, hand}[i])
	}
	d.answer.Listen, d.answer.Control = d.o.socket, controlOf(d.o.socket)
	return nil
}

// nvmeDisk is a drive as an NVMe/TCP subsystem.
type nvmeDisk struct {
	File    string `json:"file"`
	NQN     string `json:"nqn"`
	Address string `json:"address"`
	Port    string `json:"port"`
	Label   string `json:"label,omitempty"` // the file of the label, where it lies beside the drive
}

// connect is what to type to have the drive as a disk.
func (n *nvmeDisk) connect() string {
	return fmt.Sprintf("nvme connect -t tcp -a %s -s %s -n %s", n.Address, n.Port, n.NQN)
}

func (n *nvmeDisk) line() string {
	if n.Label == "" {
		return fmt.Sprintf("%s: %s", n.File, n.connect())
	}
	return fmt.Sprintf("%s: %s (its label is in %s)", n.File, n.connect(), n.Label)
}

// nvme opens the NVMe/TCP socket.
func (d *doors) nvme(a *app, files []*driveFile, data *secsock.Server) error {
	began := time.Now()
	var subsystems []*nvme.Subsystem
	for n, f := range files {
		s, err := nvme.NewSubsystem(f.Drive, nvme.Options{
			Security: data.Transport(n), Now: func() time.Duration { return time.Since(began) },
		})
		if err != nil {
			return cannotf("serve: %s: %w", f.path, err)
		}
		subsystems = append(subsystems, s)
	}
	target, err := nvmetcp.NewTarget(subsystems)
	if err != nil {
		return usagef("serve: %w", err)
	}
	l, err := d.listen(a, "--nvme-tcp", d.o.nvmeTCP, target)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return cannotf("serve: --nvme-tcp: %w", err)
	}
	for n, f := range files {
		disk := nvmeDisk{File: f.path, NQN: subsystems[n].NQN(), Address: host, Port: port}
		if label := f.path + ".label"; exists(label) {
			disk.Label = label
		}
		d.answer.NVMe = append(d.answer.NVMe, disk)
	}
	return nil
}

// listen opens a TCP socket for a server.
func (d *doors) listen(a *app, flag, address string, s networkServer) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, cannotf("serve: %s %s: %w", flag, address, plainListenError(err))
	}
	d.listeners, d.servers = append(d.listeners, l), append(d.servers, s)
	if d.o.expose {
		a.note("warning: serve: whoever reaches %s has the drives: there is no authentication", l.Addr())
	}
	return l, nil
}

// plainListenError is the reason of a failed call of the network.
func plainListenError(err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
