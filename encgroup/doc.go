// Package encgroup is an encryption group of a storage facility: a data key at
// the customer's key servers, a group key that it unwraps, and one access
// credential for each drive, derived from the group key.
//
//	data key     AES-256, at the customer's key servers (two or more), fetched by its unique identifier
//	group key    AES-256, kept as AES-KW(data key, group key) with an HMAC signature of the data key
//	credential   HKDF-SHA256(group key, drive serial, generation), 32 bytes, kept nowhere
//
// A Group begins unconfigured. Configure makes both keys; the data key counts
// as enabled only after another server than its maker has shown the same key. From then on the
// group is accessible while its keys are in RAM, that is from Configure or
// Retrieve to PowerOff, and inaccessible otherwise. Admit makes an erased drive
// a member, Unlock opens members after a power cycle, Rekey moves one to its next
// credential, Readmit takes one back after a repair, Release and Forget let it go.
//
// RekeyDataKey exchanges the data key; no drive is touched. RekeyGroupKey
// exchanges the group key: both are kept, wrapped, while the members move one by one
// (BeginGroupRekey, RekeyMember, FinishGroupRekey are its steps; Rekeying tells how far
// it came).
//
// A group is of one Kind. The group key of a DAR group gives drives their
// credentials; that of a TCT group wraps the keys of cloud objects (package tct).
// A recovery key (package reckey) opens the group key without any key server: the
// record holds it under seal for the public half of a key pair, so that new group keys can be
// put under seal, too.
//
// KeyServer is the way to a key server. MemCluster is a set of them in memory, with
// everything in it that can break.
//
// # The record
//
// What a facility must keep over a loss of power is one Record without secrets.
// The group gives it to its Store whenever it changes: before a drive is touched, with the
// credential that is about to be used as the member's pending generation, and after
// the drive has proved that credential. A power cut at any point leaves a drive
// whose credential is the current or the pending one, and Unlock, Readmit
// and Rekey find out which.
//
// # Invariants
//
//   - Both keys are in RAM only while the group is accessible, and are overwritten
//     afterwards. No error, record or print holds a secret; Secrets is
//     the one way out, for the forensic search.
//   - No credential is used twice: the generation of a serial number only grows, also over
//     release and new admission.
//   - A drive that is Configured and no member is never written to.
//   - Every sector of a member is under the key that its credential opens: no other band has a
//     place, and each has a credential, so that nobody can give it one. Unlock proves it.
//   - A drive with a PIN of somebody else joins nothing; places, locks and counts of tries that the
//     factory PIN reaches are put right first (Inspect, Normalize).
//   - No wrong guess is made that can be avoided: Unlock tries two credentials at the
//     most and Readmit three, and both stop at anything but a plain refusal.
//   - A drive is dropped only by Release and Forget, never by a failure.
//   - A data key or group key is given up only by the Save that puts its
//     successor in force, and a group key only when no member needs it.
//   - A record whose check sum is good and that contradicts itself is
//     ErrImpossible, at writing and at reading: nothing but a software error does that.
//
// # Limitations
//
// A former data key stays on its servers until the customer destroys it there: it
// opens old copies of the record. The group key of a TCT group cannot be exchanged.
// Credentials of a former group key cannot be derived any more, also not for a forensic search. The
// data range of a member is its global range, and its SID and EraseMaster stay at MSID: both are
// assumptions about the machines that this package imitates, as is that a facility derives
// credentials in this way. Release believes the drive; verified erasure is
// the work of package erase. MemCluster answers at once: a timeout takes no time.
// A Group is not safe for concurrent use.
//
// After PowerOff no copy of a data key, a group key or a credential is left in the memory
// of the process; a test searches for them. What stays belongs to others: MemCluster
// keeps the keys of its servers, a source of randomness may keep what it gave, and over
// real sockets the buffers of TLS and of package ttlv, and with IPP and the recovery
// key those of crypto/rsa and crypto/ecdh, are left to the garbage collector.
package encgroup
