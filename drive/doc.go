// Package drive is one self-encrypting drive: power, lifecycle, authorities,
// ranges, keys, and encrypted media on real flash. It is modelled on the TCG
// Storage Security Subsystem Class: Enterprise; that the drives of a DS8000
// follow it is our assumption.
//
// # Keys
//
// Every range has a 64-byte media encryption key (MEK, AES-256-XTS). A range
// that will be open after a power loss has its MEK wrapped by a key derived
// from the root key in the fuses; every other range has it wrapped by its
// BandMaster's authority key (AK), and the AK by a key derived from the root
// key and the BandMaster's PIN. A wrong PIN is found by the integrity check of
// AES Key Wrap (RFC 3394) and by nothing else: no flag stands in for a key.
//
// # Flash
//
// The security area is a log of whole records, one a page. A record that
// changes no key (a count of tries) is appended; one that does goes to a fresh
// block and is read back, and every other block is erased and read back before
// the command succeeds. At power-on the newest record wins (order.go says which that
// is); a page that may be newer, or in another block, and that cannot be read makes
// the drive SecurityDegraded until it reads, or is destroyed by an erase or a Restore.
//
// # Invariants
//
//   - A power cut at any flash operation leaves the old record or the new one.
//   - Whatever a command has reported as replaced or erased is physically gone
//     from flash, or the drive is SecurityDegraded and moves no host data.
//   - A count of tries is on flash before a PIN is looked at.
//   - Without power no key is in RAM, and no session is open.
//   - The state in RAM is that of the looplab/fsm machine, which the lifecycle table
//     builds; what the machine does not allow changes nothing.
//
// # Limitations
//
//   - After a power-off no copy of a MEK, an authority key, a KEK, the KEK of the root
//     key or a credential is left in the memory of the process, key schedules of AES
//     included; a test searches for them. What stays: the root key and MSID, which are
//     burnt into the chip; what the host keeps of its PINs; the buffer of a source of
//     randomness that keeps what it gave; a PIN of less than 32 bytes, of which
//     package crypto/pbkdf2 takes copies.
//   - A range with only one of its two locks enabled waits for its BandMaster in
//     both directions after a power loss: a real drive would let the other
//     direction through, which takes a key that nobody protects.
//   - LockOnReset is empty or names the power cycle, as in the Opal SSC: a lock
//     that another reset has set is of RAM, and must not be undone by power.
//   - Wrong PSIDs that meet a drive without a record are counted beside the flash,
//     which must not be touched then; a drive file that is opened again begins at 0.
//   - Two erases that both ended degraded are in no known order if each was written
//     while the other's block, or what lies there, could not be read. The drive stays
//     SecurityDegraded with either of them.
//   - There is no shadow MBR, no firmware update, no low-power state, no data
//     removal mechanism but cryptographic erase, and no Opal authorities yet.
//   - An attacker who can write flash can set counts of tries back. The KEKs
//     are bound to the fuses all the same.
//
// # Secrets
//
// Keys and PINs print as a fixed word under every verb, in JSON and in logs.
// [Drive.Fuses] and [Drive.Dump] are what an attacker gets who opens the chip or
// unsolders the flash; no host command reads them.
package drive
