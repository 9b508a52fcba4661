// Package drive is one self-encrypting drive: power, lifecycle, authorities, ranges, keys, and
// encrypted media on real flash. It is modelled on the TCG Storage Security Subsystem Class:
// Enterprise. That the drives of a DS8000 follow it is our assumption. Config.Personality makes it a
// drive of the SSC Opal 2.02.
//
//   - [Manufacture] makes a drive from its [Parts] and gives the [Label] that is glued to it;
//     [Open] powers it up again from its [Fuses]. [CreateFile] and [OpenFile] do the same for a
//     drive that is whole in a file.
//   - [Drive.Authenticate] opens the [Session] in which an [Authority] sets PINs, places and locks
//     its range, migrates its credential, or erases. [Drive.RevertPSID] needs no session.
//   - [Drive.Opal] is an Opal drive below its TPer: a [Login] proves a PIN, and a [Change] sets PINs,
//     grants, ranges, locks and the MBR shadow, whole or not at all.
//   - [Drive.Read] and [Drive.Write] move data; [Drive.PowerOn], [Drive.PowerOff] and [Drive.Reset]
//     are what happens to a drive.
//   - [Drive.Status], [Drive.Range] and [Drive.KeyMap] are what it tells any host. [Drive.Dump] and
//     [Drive.Fuses] are what an attacker gets who unsolders the flash or opens the chip; no host
//     command reads them.
//   - [LifecycleTable] is the table of states and events, from which the machine is built.
//
// The example migrates a drive, takes its power away and unlocks it.
//
// # Keys
//
// Every range has a media encryption key (MEK) of 64 bytes, for AES-256-XTS.
//
//   - A range that will be open after a power loss has its MEK wrapped by a key derived from the
//     root key in the fuses.
//   - Every other range has its MEK wrapped by its BandMaster's authority key (AK), and the AK by a
//     key derived from the root key and the BandMaster's PIN.
//   - An Opal drive has a range key between AK and MEK, wrapped for each authority that is granted the
//     range, and a users' key, by which an Admin reaches the authority keys of the others.
//   - A wrong PIN is found by the integrity check of AES Key Wrap (RFC 3394) and by nothing else:
//     no flag stands in for a key.
//
// # Flash
//
// The security area is a log of whole records, one a page.
//
//   - A record that changes no key, such as a count of tries, is appended.
//   - A record that changes a key goes to a fresh block and is read back. Then every other block is
//     erased and read back, before the command succeeds.
//   - At power-on the newest record wins; order.go says which that is. Where a page that may be
//     newer, or that lies in another block, cannot be read, the drive is SecurityDegraded until the
//     page reads, or until an erase or a Restore destroys it.
//
// # Invariants
//
//   - A power cut at any flash operation leaves the old record or the new one. Which of them, a host
//     learns by a try. Without a cut no answer leaves it open: success is the new one, hardware failure
//     the old one, and where the flash leaves it open the answer is degraded.
//   - What a command has reported as replaced or erased is physically gone from flash, or the drive
//     is SecurityDegraded and moves no host data.
//   - A count of tries is on flash before a PIN is looked at.
//   - Without power no key is in RAM, and no session is open.
//   - The state in RAM is that of the looplab/fsm machine. What the machine does not allow changes
//     nothing.
//   - Keys and PINs print as a fixed word under every verb, in JSON and in logs.
//   - After a power-off no copy of a MEK, an AK, a key derived from the root key, or a credential
//     is left in the memory of the process, key schedules of AES included; a test searches for
//     them.
//
// # Limitations
//
//   - These stay in memory after a power-off: the root key and MSID, which are burnt into the chip;
//     what the host keeps of its PINs; the buffer of a source of randomness that keeps what it
//     gave; copies of a PIN of less than 32 bytes, which package crypto/pbkdf2 takes.
//   - A range with only one of its two locks enabled waits for its BandMaster in both directions
//     after a power loss. A real drive would let the other direction through, which takes a key
//     that nobody protects.
//   - LockOnReset is empty or names the power cycle, as in the Opal SSC: a lock that another reset
//     has set is in RAM, and a power loss must not undo it.
//   - Wrong PSIDs that meet a drive without a record are counted in RAM, since its flash must not
//     be touched then. A drive file that is opened again begins at 0.
//   - A hole that somebody makes in the media of a drive file reads as sectors that were never written: a
//     sector has no check sum of its own. In the flash of the file it is found.
//   - Two erases that both ended degraded are in no known order if each was written while the
//     other's block could not be read. The drive stays SecurityDegraded with either of them.
//   - There is no firmware update, no low-power state and no data removal mechanism but cryptographic
//     erase.
//   - An Opal drive in whose note and grants there is no room in one flash page refuses more of them. A
//     change does not contain writes of a table of bytes. TryLimit and Persistence are those of Config for
//     every authority. ACEs with AND or NOT have no keys of their own: the TPer has to refuse them.
//   - An attacker who can write flash can set counts of tries back. The keys of the PINs are bound
//     to the fuses all the same.
package drive
