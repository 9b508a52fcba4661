// Package device is the security interface of a real drive of this machine, through the Linux kernel:
// NVMe admin commands Security Send and Receive (/dev/nvmeN), SCSI commands SECURITY PROTOCOL OUT and IN
// by SG_IO (/dev/sdX, /dev/sgN; the kernel translates them for ATA drives).
//
//   - [Open] opens one. A [Device] is a transport.Transport.
//
// The example is what Open says to a file that is no device.
//
// # Limitations
//
//   - Linux only, with the rights that the kernel asks for (CAP_SYS_ADMIN for NVMe).
//   - It was never run against a real drive: the layout of what goes to the kernel is compared with the
//     kernel's headers, and the statuses with the specifications.
package device
