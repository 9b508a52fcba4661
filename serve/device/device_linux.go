package device

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	ioctlAdmin = 0xC0484E41 // NVME_IOCTL_ADMIN_CMD, linux/nvme_ioctl.h
	ioctlSG    = 0x2285     // SG_IO, scsi/sg.h

	timeout = 60_000 // milliseconds

	fromDevice = -3 // SG_DXFER_FROM_DEV
	toDevice   = -2 // SG_DXFER_TO_DEV
)

// adminCommand is struct nvme_passthru_cmd of linux/nvme_ioctl.h.
type adminCommand struct {
	opcode, flags       uint8
	_                   uint16
	nsid                uint32
	cdw2, cdw3          uint32
	metadata, addr      uint64
	metadataLen         uint32
	dataLen             uint32
	cdw10, cdw11, cdw12 uint32
	cdw13, cdw14, cdw15 uint32
	timeout             uint32
	result              uint32
}

// sgHeader is struct sg_io_hdr of scsi/sg.h.
type sgHeader struct {
	interfaceID              int32
	direction                int32
	cmdLen, maxSense         uint8
	iovecs                   uint16
	dataLen                  uint32
	data, cmd, sense         unsafe.Pointer
	timeout, flags           uint32
	packID                   int32
	user                     unsafe.Pointer
	status, masked, msg      uint8
	senseLen                 uint8
	hostStatus, driverStatus uint16
	left                     int32
	duration, info           uint32
}

func open(path string, nvme bool) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &Device{f: f, nvme: nvme}, nil
}

// security is the admin command of Security Send or Receive: CDW10 has the protocol in bits 24 to 31 and
// the ComID in 8 to 23, CDW11 the length.
func security(op, protocol uint8, comID uint16, size int) adminCommand {
	return adminCommand{
		opcode: op, dataLen: uint32(size), timeout: timeout,
		cdw10: uint32(protocol)<<24 | uint32(comID)<<8, cdw11: uint32(size),
	}
}

func (d *Device) admin(op, protocol uint8, comID uint16, b []byte) error {
	c := security(op, protocol, comID, len(b))
	var pin runtime.Pinner
	defer pin.Unpin()
	if len(b) > 0 {
		pin.Pin(&b[0])
		c.addr = uint64(uintptr(unsafe.Pointer(&b[0])))
	}
	status, err := d.ioctl(ioctlAdmin, unsafe.Pointer(&c))
	if err != nil {
		return err
	}
	return nvmeStatus(uint32(status))
}

// scsi makes a command and says how many of the bytes were not moved.
func (d *Device) scsi(op, protocol uint8, comID uint16, b []byte) (left int, err error) {
	block := cdb(op, protocol, comID, len(b))
	var told [64]byte
	h := sgHeader{
		interfaceID: 'S', direction: fromDevice, cmdLen: uint8(len(block)), maxSense: uint8(len(told)),
		dataLen: uint32(len(b)), cmd: unsafe.Pointer(&block), sense: unsafe.Pointer(&told), timeout: timeout,
	}
	if op == opProtocolOut {
		h.direction = toDevice
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&block)
	pin.Pin(&told)
	if len(b) > 0 {
		pin.Pin(&b[0])
		h.data = unsafe.Pointer(&b[0])
	}
	if _, err := d.ioctl(ioctlSG, unsafe.Pointer(&h)); err != nil {
		return 0, err
	}
	switch {
	case h.status == 0 && h.hostStatus == 0:
		return int(h.left), nil
	case h.status == 2: // CHECK CONDITION
		return 0, sense(told[:min(int(h.senseLen), len(told))])
	}
	return 0, fmt.Errorf("device: SCSI status %02X, host status %04X", h.status, h.hostStatus)
}

func (d *Device) ioctl(request uintptr, arg unsafe.Pointer) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, d.f.Fd(), request, uintptr(arg))
	if errno != 0 {
		return 0, &os.PathError{Op: "ioctl", Path: d.f.Name(), Err: errno}
	}
	return int(n), nil
}
