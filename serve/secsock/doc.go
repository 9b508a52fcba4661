// Package secsock carries the security interface of drives over a Unix socket: IF-SEND, IF-RECV, and
// what a host asks to know which drive it is (NVMe Identify, SCSI INQUIRY).
//
//   - A [Unit] is a drive with its TPer, which several connections share; [NewUnit] makes one.
//   - A [Server] serves units at a socket (sockets.Listen).
//   - [Dial] gives a [Client], which is a transport.Transport.
//   - A [Tracer] writes each command in words.
//
// The example asks a drive behind a socket what it is.
//
// # The protocol
//
// It is version 1 of the bridge that docs/bridge.md is about; contrib/bridge has clients in C and Python. A request is a
// header of 16 bytes, and for IF-SEND the payload; numbers are big-endian:
//
//	0      version, 1
//	1      1 IF-SEND, 2 IF-RECV, 3 NVMe Identify, 4 SCSI INQUIRY
//	2      number of the drive, from 0
//	3      security protocol
//	4-5    ComID; of Identify the CNS; of INQUIRY 0, or 100h and the page code
//	6-7    0
//	8-11   IF-SEND: length of the payload; else how many bytes are wanted
//	12-15  0
//
// The answer has a header of 8 bytes, and data:
//
//	0      version, 1
//	1      0 done; 1 to 7 the number of a transport.Error; F0h no such drive; F1h no such command
//	2-3    0
//	4-7    length of the data
//
// The server closes a connection whose version is another, or whose payload is longer than 16 MiB.
//
// # Invariants
//
//   - A drive does one command at a time, whoever sent it.
//   - An answer goes out once the drive has done what it says: a server that is killed behind it lost
//     nothing of it.
//   - Answers are as the TPer gives them, not filled with zeros to the length that was asked for: who
//     plays a device does that.
//
// # Limitations
//
//   - No reading and writing of sectors.
//   - Whoever may open the socket may use the drives. It is for one machine.
package secsock
