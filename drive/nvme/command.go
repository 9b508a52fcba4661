package nvme

import "encoding/binary"

// Command is a submission queue entry (NVMe Base 2.1, figure 92).
type Command [64]byte

// Admin opcodes (NVMe Base 2.1, figure 141), and that of Fabrics commands.
const (
	OpGetLog          uint8 = 0x02
	OpIdentify        uint8 = 0x06
	OpAbort           uint8 = 0x08
	OpSetFeatures     uint8 = 0x09
	OpGetFeatures     uint8 = 0x0A
	OpAsyncEvent      uint8 = 0x0C
	OpKeepAlive       uint8 = 0x18
	OpFabrics         uint8 = 0x7F
	OpFormat          uint8 = 0x80
	OpSecuritySend    uint8 = 0x81
	OpSecurityReceive uint8 = 0x82
	OpSanitize        uint8 = 0x84
)

// I/O opcodes (NVM Command Set 1.1, figure 14).
const (
	OpFlush        uint8 = 0x00
	OpWrite        uint8 = 0x01
	OpRead         uint8 = 0x02
	OpUncorrect    uint8 = 0x04
	OpCompare      uint8 = 0x05
	OpWriteZeroes  uint8 = 0x08
	OpDatasetMgmt  uint8 = 0x09
	OpVerify       uint8 = 0x0C
	OpCopy         uint8 = 0x19
	allNamespaces        = 0xFFFFFFFF
	namespace            = 1
	bytesToDrive         = 1 // opcode 1:0: data go to the drive
	bytesToHost          = 2
	dataDirections uint8 = 3
)

// Opcode is byte 0.
func (c *Command) Opcode() uint8 { return c[0] }

// CID is the identifier that the host gave the command.
func (c *Command) CID() uint16 { return binary.LittleEndian.Uint16(c[2:]) }

// NSID is the namespace that the command is for.
func (c *Command) NSID() uint32 { return binary.LittleEndian.Uint32(c[4:]) }

// DW is command dword n, 0 to 15.
func (c *Command) DW(n int) uint32 { return binary.LittleEndian.Uint32(c[4*n:]) }

// SetDW sets command dword n, 0 to 15.
func (c *Command) SetDW(n int, v uint32) { binary.LittleEndian.PutUint32(c[4*n:], v) }

// slba is the first block of a command that has one, in dwords 10 and 11.
func (c *Command) slba() uint64 { return uint64(c.DW(11))<<32 | uint64(c.DW(10)) }

// ToDrive says whether the data of a command go to the drive, ToHost whether they come from it (NVMe Base
// 2.1, 3.1.2: bits 1:0 of the opcode; of a Fabrics command those of its type).
func (c *Command) ToDrive() bool { return c.direction() == bytesToDrive }

// ToHost is described at ToDrive.
func (c *Command) ToHost() bool { return c.direction() == bytesToHost }

func (c *Command) direction() uint8 {
	if c.Opcode() == OpFabrics {
		return c[4] & dataDirections
	}
	return c.Opcode() & dataDirections
}
