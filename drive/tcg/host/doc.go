// Package host is the host side of TCG Storage: what a program does that takes a self-encrypting
// drive, opens and locks it, erases it and gives it back. It speaks over any transport.Transport: a
// TPer in process, a socket, a device of this machine.
//
//   - [Open] asks a device what it is (level 0 discovery) and what it takes (Properties), and gives a
//     [Device].
//   - [Device.Start] opens a [Session] with a service provider. [Session.Call] calls any method;
//     [Session.Get], [Session.Set] and the others are those that hosts use. [Session.Begin] opens a
//     transaction.
//   - [Device.TakeOwnership], [Device.SetPIN], [Device.SetBand], [Device.SetLocks], [Device.Erase],
//     [Device.Revert] are whole tasks on an Enterprise device, each in sessions of its own.
//   - [Device.Activate], [Device.SetPINOf], [Device.SetEnabled], [Device.Grant], [Device.SetRange],
//     [Device.SetRangeLocks], [Device.RekeyRange], [Device.WriteTable], [Device.SetMBRDone],
//     [Device.RevertLocking], [Device.RevertTPer] are those on an Opal device, in the name of a [Credential].
//   - [Device.Recover] ends what another host left open.
//
// The example takes a drive, locks it and opens it.
//
// # Invariants
//
//   - Whatever a device answers, nothing panics, every loop ends, and no answer makes the host keep
//     more than [MaxTransfer] bytes.
//   - A method that the device refused is a [StatusError] with the status of the specification, so
//     errors.Is(err, spec.NotAuthorized) tells which. An answer that no device may give is a
//     [ProtocolError]; a session that the device ended is a [ClosedError].
//   - No PIN is in an error, and none is kept: whoever passes one clears it.
//   - Nothing is ambient: how to wait between two polls is said by the caller.
//
// # Limitations
//
//   - A device is used by one goroutine at a time.
//   - One Packet with one Subpacket and one method each way; no credit control, acknowledgements,
//     continued tokens, trusted sessions.
//   - A whole task is of one SSC, and refused on a device of the other before anything is sent.
package host
