//go:build !linux

package device

import (
	"errors"
	"fmt"
)

var errSystem = errors.New("device: needs Linux")

func open(path string, _ bool) (*Device, error) { return nil, fmt.Errorf("%s: %w", path, errSystem) }

func (*Device) admin(uint8, uint8, uint16, []byte) error { return errSystem }

func (*Device) scsi(uint8, uint8, uint16, []byte) (int, error) { return 0, errSystem }

func openDisk(path string) (*Disk, error) { return nil, fmt.Errorf("%s: %w", path, errSystem) }

func aligned(n int) []byte { return make([]byte, n) }
