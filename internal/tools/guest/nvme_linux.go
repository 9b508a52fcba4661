package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"
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

func (t *trial) format() error {
	const opFormat, cryptoErase = 0x80, 2 << 9
	if err := t.put(5); err != nil {
		return err
	}
	if err := t.admin(opFormat, 1, nil, cryptoErase, 0); err != nil {
		return err
	}
	return t.constant(0)
}

// sanitize begins an operation, and looks at the log until it is over.
func (t *trial) sanitize(cdw10, pattern uint32) error {
	const opSanitize, opGetLog, log = 0x84, 0x02, 0x81
	if err := t.put(6); err != nil {
		return err
	}
	if err := t.admin(opSanitize, 0, nil, cdw10, pattern); err != nil {
		return err
	}
	page := buffer(512)
	for range 600 {
		if err := t.admin(opGetLog, 0xFFFFFFFF, page, 127<<16|log, 0); err != nil {
			return fmt.Errorf("log: %w", err)
		}
		if page[2]&7 != 2 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if page[2]&7 != 1 || page[36] != 0 {
		return fmt.Errorf("the log says %X, state %X", page[:4], page[36])
	}
	if cdw10&(1<<9) == 0 {
		pattern = 0
	}
	return t.constant(byte(pattern))
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
