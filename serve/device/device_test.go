package device

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

func Example() {
	_, err := Open("device_test.go")
	fmt.Println(err)
	fmt.Println(errors.Is(err, ErrNoDevice))
	// Output:
	// device_test.go: not a drive of this machine: need /dev/nvmeN, /dev/sdX or /dev/sgN
	// true
}

func TestStatuses(t *testing.T) {
	require.NoError(t, nvmeStatus(0))
	require.NoError(t, nvmeStatus(0x4000), "do not retry is no part of the status")
	for status, want := range map[uint32]error{0x4002: transport.InvalidParameter, 0x00C: transport.SyncViolation, 0x01D: transport.Sanitizing, 0x286: transport.DataProtection} {
		require.ErrorIs(t, nvmeStatus(status), want)
	}
	require.EqualError(t, nvmeStatus(0x4115), "device: NVMe status 115")
	for text, want := range map[string]error{
		"\x70\x00\x05\x00\x00\x00\x00\x0A\x00\x00\x00\x00\x24\x00": transport.InvalidParameter,
		"\x70\x00\x05\x00\x00\x00\x00\x0A\x00\x00\x00\x00\x2C\x00": transport.SyncViolation,
		"\x70\x00\x02\x00\x00\x00\x00\x0A\x00\x00\x00\x00\x04\x1B": transport.Sanitizing,
		"\x72\x05\x24\x00\x00\x00\x00\x00":                         transport.InvalidParameter,
		"\x72\x07\x20\x02\x00\x00\x00\x00":                         transport.DataProtection,
	} {
		require.ErrorIs(t, sense([]byte(text)), want)
	}
	require.EqualError(t, sense([]byte("\x72\x06\x29\x00")), "device: sense key 6, code 29/00")
	for n := range 14 {
		require.Error(t, sense(append([]byte{0x70}, make([]byte, n)...)))
	}
}

func TestCommandDescriptorBlock(t *testing.T) {
	require.Equal(t, [12]byte{0xA2, 0x01, 0x07, 0xFE, 0, 0, 0, 0, 0x08, 0x00, 0, 0}, cdb(opProtocolIn, 1, 0x07FE, 2048))
	require.Equal(t, [12]byte{0xB5, 0x02, 0x00, 0x04, 0, 0, 0, 0x01, 0x02, 0x03, 0, 0}, cdb(opProtocolOut, 2, 4, 0x10203))
}
