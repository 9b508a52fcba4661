package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

const (
	opGetLog      = 0x02
	logSanitize   = 0x81
	allNamespaces = 0xFFFFFFFF
)

// admin does an admin command by the kernel's passthrough (struct nvme_admin_cmd of linux/nvme_ioctl.h).
func (t *trial) admin(opcode byte, nsid uint32, data []byte, cdw10, cdw11 uint32) error {
	const request = 3<<30 | 72<<16 | 'N'<<8 | 0x41
	var b [72]byte
	le := binary.LittleEndian
	b[0] = opcode
	le.PutUint32(b[4:], nsid)
	if len(data) > 0 {
		le.PutUint64(b[24:], uint64(uintptr(unsafe.Pointer(&data[0]))))
		le.PutUint32(b[36:], uint32(len(data)))
	}
	le.PutUint32(b[40:], cdw10)
	le.PutUint32(b[44:], cdw11)
	status, err := ioctl(t.ctrl, request, unsafe.Pointer(&b))
	runtime.KeepAlive(data)
	if err == nil && status != 0 {
		err = fmt.Errorf("status %03Xh", status)
	}
	return err
}

// reset is nvme reset: the kernel disables the controller and connects again.
func (t *trial) reset() error {
	if err := t.put(7); err != nil {
		return err
	}
	if err := os.WriteFile("/sys/class/nvme/nvme0/reset_controller", []byte("1"), 0); err != nil {
		return err
	}
	return t.has(7)
}
