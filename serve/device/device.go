package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// ErrNoDevice means that a path is no device that carries security commands.
var ErrNoDevice = errors.New("not a drive of this machine: need /dev/nvmeN, /dev/sdX or /dev/sgN")

// Device is a drive of this machine.
type Device struct {
	f    *os.File
	nvme bool
}

// Open opens the drive at a path, such as /dev/nvme0 or /dev/sda. The error wraps ErrNoDevice where the
// path is something else.
func Open(path string) (*Device, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	nvme := strings.HasPrefix(base, "nvme")
	if i.Mode()&fs.ModeDevice == 0 || !nvme && !strings.HasPrefix(base, "sd") && !strings.HasPrefix(base, "sg") {
		return nil, fmt.Errorf("%s: %w", path, ErrNoDevice)
	}
	return open(path, nvme)
}

// Close closes the device.
func (d *Device) Close() error { return d.f.Close() }

// Send is IF-SEND.
func (d *Device) Send(protocol uint8, comID uint16, payload []byte) error {
	b := append([]byte{}, payload...) // what the kernel reads stays in one place
	defer clear(b)
	if d.nvme {
		return d.admin(opSecuritySend, protocol, comID, b)
	}
	_, err := d.scsi(opProtocolOut, protocol, comID, b)
	return err
}

// Receive is IF-RECV. A drive fills what it has no answer for with zeros.
func (d *Device) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	if size < 0 || size > maxTransfer {
		return nil, transport.InvalidTransferLength
	}
	b := make([]byte, size)
	if d.nvme {
		return b, d.admin(opSecurityReceive, protocol, comID, b)
	}
	left, err := d.scsi(opProtocolIn, protocol, comID, b)
	if err != nil {
		return nil, err
	}
	return b[:len(b)-min(len(b), max(left, 0))], nil
}

const maxTransfer = 1 << 24

// The commands.
const (
	opSecuritySend    = 0x81 // NVMe Base 2.1, 5.1.24
	opSecurityReceive = 0x82 // NVMe Base 2.1, 5.1.23
	opProtocolIn      = 0xA2 // SPC-4 6.30
	opProtocolOut     = 0xB5 // SPC-4 6.31
)

// nvmeStatus is the error of a status of NVMe: SCT in bits 8 to 10, SC in 0 to 7 (SIIS 1.07, section 5).
func nvmeStatus(status uint32) error {
	switch status & 0x7FF {
	case 0:
		return nil
	case 0x002:
		return transport.InvalidParameter
	case 0x00C:
		return transport.SyncViolation
	case 0x01D:
		return transport.Sanitizing
	case 0x286:
		return transport.DataProtection
	}
	return fmt.Errorf("device: NVMe status %03X", status&0x7FF)
}

// cdb is the command descriptor block of SECURITY PROTOCOL IN or OUT: 1 protocol, 2-3 ComID, 6-9 length
// in bytes.
func cdb(op, protocol uint8, comID uint16, size int) [12]byte {
	return [12]byte{
		op, protocol, byte(comID >> 8), byte(comID), 0, 0,
		byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), 0, 0,
	}
}

// sense is the error that sense data tells, in fixed or descriptor format (SPC-4 4.5).
func sense(b []byte) error {
	if len(b) < 4 {
		return errors.New("device: check condition without sense data")
	}
	key, asc, ascq := b[1]&0xF, b[2], b[3]
	if format := b[0] & 0x7F; format == 0x70 || format == 0x71 {
		if len(b) < 14 {
			return errors.New("device: check condition with short sense data")
		}
		key, asc, ascq = b[2]&0xF, b[12], b[13]
	}
	switch {
	case key == 5 && asc == 0x24:
		return transport.InvalidParameter
	case key == 5 && asc == 0x2C:
		return transport.SyncViolation
	case key == 2 && asc == 0x04 && ascq == 0x1B:
		return transport.Sanitizing
	case key == 7 && asc == 0x20:
		return transport.DataProtection
	}
	return fmt.Errorf("device: sense key %X, code %02X/%02X", key, asc, ascq)
}
