package device

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What goes to the kernel, as the headers lay it out: struct nvme_passthru_cmd, 72 bytes, and struct
// sg_io_hdr, 88 bytes where pointers have 8.
func TestLayout(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("SKIPPED: pointers of another length")
	}
	var c adminCommand
	require.Equal(t, []uintptr{72, 4, 16, 24, 32, 36, 40, 44, 64, 68}, []uintptr{
		unsafe.Sizeof(c), unsafe.Offsetof(c.nsid), unsafe.Offsetof(c.metadata), unsafe.Offsetof(c.addr), unsafe.Offsetof(c.metadataLen),
		unsafe.Offsetof(c.dataLen), unsafe.Offsetof(c.cdw10), unsafe.Offsetof(c.cdw11), unsafe.Offsetof(c.timeout), unsafe.Offsetof(c.result),
	})
	var h sgHeader
	require.Equal(t, []uintptr{88, 4, 8, 9, 10, 12, 16, 24, 32, 40, 48, 56, 64, 67, 68, 70, 72, 80}, []uintptr{
		unsafe.Sizeof(h), unsafe.Offsetof(h.direction), unsafe.Offsetof(h.cmdLen), unsafe.Offsetof(h.maxSense), unsafe.Offsetof(h.iovecs),
		unsafe.Offsetof(h.dataLen), unsafe.Offsetof(h.data), unsafe.Offsetof(h.cmd), unsafe.Offsetof(h.sense), unsafe.Offsetof(h.timeout),
		unsafe.Offsetof(h.packID), unsafe.Offsetof(h.user), unsafe.Offsetof(h.status), unsafe.Offsetof(h.senseLen), unsafe.Offsetof(h.hostStatus),
		unsafe.Offsetof(h.driverStatus), unsafe.Offsetof(h.left), unsafe.Offsetof(h.info),
	})
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) != 1 {
		return // the bytes below are those of a little-endian machine
	}
	cmd := security(opSecurityReceive, 0x01, 0x07FE, 2048)
	require.Equal(t, "82000000"+"00000000"+"0000000000000000"+"0000000000000000"+"0000000000000000"+"00000000"+"00080000"+
		"00fe0701"+"00080000"+"00000000000000000000000000000000"+"60ea0000"+"00000000",
		hex.EncodeToString(unsafe.Slice((*byte)(unsafe.Pointer(&cmd)), unsafe.Sizeof(cmd))))
}

// The kernel is asked, and refuses what is no drive behind a drive's name.
func TestADeviceThatIsNoDrive(t *testing.T) {
	for _, name := range []string{"nvme0", "sda"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Symlink("/dev/null", path))
		d, err := Open(path)
		require.NoError(t, err)
		require.ErrorIs(t, d.Send(1, 1, make([]byte, 512)), unix.ENOTTY)
		_, err = d.Receive(1, 1, 512)
		require.ErrorIs(t, err, unix.ENOTTY)
		require.NoError(t, d.Close())
	}
	_, err := Open("/dev/null")
	require.ErrorIs(t, err, ErrNoDevice)
	_, err = Open("/dev/nvme77")
	require.ErrorIs(t, err, os.ErrNotExist)
}
