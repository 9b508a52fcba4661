package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
)

// nvmeScheme begins the name of a drive behind an NVMe/TCP target.
const nvmeScheme = "nvme://"

func isNVMe(path string) bool { return strings.HasPrefix(path, nvmeScheme) }

// nvmeWay is a drive behind an NVMe/TCP target: its security interface, and its sectors. A connection that is
// lost, as by a loss of power, is made anew for the next command.
type nvmeWay struct {
	address, nqn string
	h            *nvmetcp.Host
	sectorSize   int
	sectors      uint64
}

// openNVMe connects to nvme://ADDRESS:PORT, of which drive n is meant, or to nvme://ADDRESS:PORT/NQN.
func openNVMe(what, path string, n int) (*nvmeWay, error) {
	address, nqn, named := strings.Cut(strings.TrimPrefix(path, nvmeScheme), "/")
	if _, _, err := net.SplitHostPort(address); err != nil || named && nqn == "" {
		return nil, usagef("%s: %s: need nvme://ADDRESS:PORT, or nvme://ADDRESS:PORT/NQN", what, path)
	}
	w := &nvmeWay{address: address, nqn: nqn}
	if !named {
		all, err := subsystems(address)
		if err != nil {
			return nil, cannotf("%s: %s: %w", what, path, plainNVMeError(err))
		}
		if n < 0 || n >= len(all) {
			return nil, usagef("%s: %s: there is no drive %d, the target has %d", what, path, n, len(all))
		}
		w.nqn = all[n]
	}
	if err := w.connect(); err != nil {
		return nil, cannotf("%s: %s: %w", what, path, plainNVMeError(err))
	}
	w.sectorSize, w.sectors = w.h.SectorSize(), w.h.Sectors()
	return w, nil
}

// plainNVMeError says in one line why a target cannot be reached.
func plainNVMeError(err error) error {
	var call *net.OpError
	switch {
	case errors.As(err, &call):
		return fmt.Errorf("nobody takes a connection: %w", call.Err)
	case errors.Is(err, nvmetcp.ErrLost):
		return errors.New("it hung up: no NVMe/TCP target, or a drive without power")
	}
	return err
}

// subsystems reads the NQNs of a target's drives from its discovery log (NVMe Base 2.1, 5.1.12.3.1), in its order.
func subsystems(address string) (all []string, err error) {
	h, err := nvmetcp.Dial(address, nvmetcp.HostOptions{Subsystem: nvmetcp.DiscoveryNQN})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	const entry, logDiscovery, most = 1024, 0x70, 256
	head, err := h.Log(logDiscovery, entry)
	if err != nil {
		return nil, err
	}
	n := min(binary.LittleEndian.Uint64(head[8:]), most)
	log, err := h.Log(logDiscovery, entry*int(1+n))
	if err != nil {
		return nil, err
	}
	for e := log[entry:]; len(e) >= entry; e = e[entry:] {
		all = append(all, strings.TrimRight(string(e[256:512]), "\x00"))
	}
	return all, h.Shutdown()
}

// SectorSize is in bytes.
func (w *nvmeWay) SectorSize() int { return w.sectorSize }

// Sectors is the capacity.
func (w *nvmeWay) Sectors() uint64 { return w.sectors }

func (w *nvmeWay) connect() (err error) {
	w.h, err = nvmetcp.Dial(w.address, nvmetcp.HostOptions{Subsystem: w.nqn})
	return err
}

// Close hangs up.
func (w *nvmeWay) Close() error {
	if w.h != nil {
		w.h.Close()
	}
	return nil
}

// do gives a command to the drive, a second time where the connection turns out to be lost: a command that had
// no answer was not done, or the power went, and the drive knows nothing of its host any more.
func (w *nvmeWay) do(f func(*nvmetcp.Host) error) (err error) {
	for range 2 {
		if w.h == nil {
			if err = w.connect(); err != nil {
				continue
			}
		}
		if err = f(w.h); !errors.Is(err, nvmetcp.ErrLost) {
			return err
		}
		w.h.Close()
		w.h = nil
	}
	return err
}

// Send is IF-SEND.
func (w *nvmeWay) Send(protocol uint8, comID uint16, payload []byte) error {
	return powerless(w.do(func(h *nvmetcp.Host) error { return h.Send(protocol, comID, payload) }), transport.NoPower)
}

// Receive is IF-RECV.
func (w *nvmeWay) Receive(protocol uint8, comID uint16, size int) (b []byte, err error) {
	err = w.do(func(h *nvmetcp.Host) (err error) { b, err = h.Receive(protocol, comID, size); return err })
	return b, powerless(err, transport.NoPower)
}

// powerless makes another error of a lost connection.
func powerless(err, is error) error {
	if errors.Is(err, nvmetcp.ErrLost) {
		return is
	}
	return err
}

// nvmeCodes are the refusals of a drive by the statuses of NVMe.
var nvmeCodes = []struct {
	status nvme.Status
	code   drive.Code
}{
	{nvme.AccessDenied, drive.Locked},
	{nvme.LBAOutOfRange, drive.OutOfRange},
	{nvme.UnrecoveredRead, drive.MediaFailure},
	{nvme.WriteFault, drive.MediaFailure},
	{nvme.SanitizeRuns, drive.SanitizeInProgress},
	{nvme.SanitizeFailed, drive.SanitizeFailed},
}

// sector gives an error of a command that moves sectors the code of package drive.
func sector(err error) error {
	for _, c := range nvmeCodes {
		if errors.Is(err, c.status) {
			return fmt.Errorf("%w: %w", c.code, err)
		}
	}
	return powerless(err, drive.NoPower)
}

// Read fills dst with sectors.
func (w *nvmeWay) Read(lba uint64, dst []byte) error {
	return sector(w.do(func(h *nvmetcp.Host) error { return h.Read(0, lba, dst) }))
}

// Write writes sectors.
func (w *nvmeWay) Write(lba uint64, src []byte) error {
	return sector(w.do(func(h *nvmetcp.Host) error { return h.Write(0, lba, src) }))
}

// Flush has what was written survive a loss of power.
func (w *nvmeWay) Flush() error {
	return sector(w.do(func(h *nvmetcp.Host) error { return h.Flush(0) }))
}
