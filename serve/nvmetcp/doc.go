// Package nvmetcp serves drives as NVMe/TCP subsystems (NVMe/TCP Transport 1.0), to which an unmodified
// Linux connects, and has the host side that tests and load generators need.
//
//   - [NewTarget] makes the [Target] of subsystems of package drive/nvme. [Target.Serve] runs it at a
//     listener. There is a discovery controller, too.
//   - [Dial] connects a [Host]: an admin queue, I/O queues, commands in flight. It is a
//     transport.Transport, so that package drive/tcg/host works over it.
//
// The example is a host that writes and reads.
//
// # Invariants
//
//   - A drive that loses its power, or is reset, hangs up on every host that is connected with it, and a
//     drive without power answers nobody. Hosts of other drives go on.
//   - What a host sends wrong ends its own connection and no other. A connection keeps at most the data of
//     the commands that it was asked for, twice the largest transfer, however deep its queue is.
//   - Whoever connects has the drive: there is no authentication. So listen at a loopback address.
//
// # Limitations
//
//   - No TLS, no authentication, no referrals, no persistent discovery.
//   - The commands of a connection are done one after the other.
package nvmetcp
