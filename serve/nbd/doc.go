// Package nbd serves the sectors of drives by the NBD protocol, for qemu-img, fio, nbdcopy and the like.
//
//   - [NewServer] makes the [Server] of drives; each is an [Export]. [Server.Serve] runs it at a listener.
//   - [Dial] gives a [Client], which tests and load generators need.
//
// The example writes a sector and asks where the drive has data.
//
// What it speaks is the specification of the project NetworkBlockDevice/nbd (doc/proto.md): the fixed newstyle
// handshake, structured replies, metadata context base:allocation, and READ, WRITE, FLUSH, TRIM, WRITE_ZEROES and
// BLOCK_STATUS. Flush, and the flag FUA, are fsync of what the drive is kept in. The protocol has no library that
// could be had: so it is written here.
//
// # Invariants
//
//   - A command that touches a locked sector is EPERM, and changes nothing. Where a locked range was written
//     nobody learns: BLOCK_STATUS says that all of it has data.
//   - A connection keeps at most pieceSize bytes of data, however long its commands are. A client that does not read,
//     or sends half of what it announced, is hung up after a while.
//   - A drive that loses its power answers no command any more, and hangs up at the next one.
//   - What a client sends wrong ends its own connection and no other.
//
// # Limitations
//
//   - No TLS, no authentication: whoever connects has the data. So listen at a loopback address, or at a Unix socket.
//   - Offsets and lengths are whole sectors: the server says so in its minimum block size, and answers EINVAL to others.
//   - No security commands: a range is locked and unlocked elsewhere.
//   - The commands of a connection are done one after the other.
package nbd
