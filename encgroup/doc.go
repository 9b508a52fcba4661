// Package encgroup is an encryption group of a storage facility: a data key at the customer's key
// servers, a group key that it unwraps, and one access credential for each drive, derived from the
// group key.
//
//	data key     AES-256, at two or more key servers, fetched by its unique identifier
//	group key    AES-256, kept as AES-KW(data key, group key) with an HMAC signature of the data key
//	credential   HKDF-SHA256(group key, drive serial, generation), 32 bytes, stored nowhere
//
// [New] makes a [Group] and [Load] reads one from its record; the example shows both. The calls, in
// the order of a group's life:
//
//   - [Group.Configure] makes both keys. The data key counts as enabled only after a second server
//     has shown the same key. The group is accessible while its keys are in RAM: from Configure or
//     [Group.Retrieve] to [Group.PowerOff].
//   - [Group.Admit] makes an erased drive a member. [Group.Unlock] opens a member after a power
//     cycle, [Group.Rekey] moves it to its next credential, [Group.Readmit] takes it back after a
//     repair. [Group.Release] and [Group.Forget] drop it.
//   - [Group.RekeyDataKey] exchanges the data key and touches no drive.
//   - [Group.RekeyGroupKey] exchanges the group key. Both keys are kept, wrapped, while the members
//     move one by one. Its steps are [Group.BeginGroupRekey], [Group.RekeyMember] and
//     [Group.FinishGroupRekey]; [Group.Rekeying] counts the members that have moved.
//
// A [KeyServer] is the way to a key server; [MemCluster] simulates several, in memory. A group is
// of one [Kind]. The group key of a DAR group gives drives their credentials. That of a TCT group
// wraps the keys of cloud objects (package tct). A recovery key (package reckey) opens the group
// key without any key server: the record holds the group key sealed for the public half of a key
// pair.
//
// # The record
//
// What a facility must keep over a loss of power is one [Record], which holds no secret in plain.
// The group saves it in its [Store] at every change:
//
//   - before a drive is touched, with the new credential as the member's pending generation;
//   - after the drive has proved that credential, with it as the current one.
//
// A power cut at any point leaves a drive whose credential is the current or the pending one.
// Unlock, Readmit and Rekey find out which.
//
// A record is kept in entries ([Entry]): one for the group, and one for each member. The group's is
// the truth of the keys, the escrows, and how many members there are. A member's is the truth of
// that drive's generations. A step of one member saves two entries, whatever the number of members:
//
//   - the member's;
//   - the group's, which has the sum of all members' entries, moved on by this one.
//
// The store keeps both in one step. So there is no order of writes to get right: a power cut leaves
// the old two or the new two. The sum is there for stores, and hands, that do less. Entries of other
// times or of another group, an entry too few or too many, and one entry alone that somebody puts
// back to what it was, are refused as [ErrMixed] by [Load]. Nothing is guessed from them: the way on
// is the whole record, from memory or from a copy. The sum is no signature. It finds what went wrong,
// and not a forger, who can write a record that fits. What the keys themselves need is signed with the
// data key.
//
// After a Save that failed, the store may have the old entries or the new ones. The next change
// replaces the whole record then. It also does so for a record from before it had entries.
//
// # Invariants
//
//   - Both keys are in RAM only while the group is accessible, and are overwritten afterwards. No
//     error, record or print holds a secret. The only ways out are [Group.Secrets] and
//     [Group.BandSecrets], for the forensic search.
//   - No credential is used twice: the generation of a serial number only grows, also over release
//     and new admission.
//   - A drive that is Configured and not a member is never written to.
//   - Every sector of a member is encrypted under the key that its credential opens. No other band
//     covers a sector, and each has a credential of the group, so that no outsider can extend it
//     over the data. Unlock proves it.
//   - A drive on which somebody else has set a PIN cannot join. Ranges, locks and used tries that
//     the factory PIN can reset are reset first ([Inspect], [Normalize]).
//   - Unlock tries at most two credentials and Readmit three. Both stop at any error but a wrong
//     PIN, because a wrong guess uses up a try.
//   - A drive is dropped only by Release and Forget, never by a failure.
//   - A data key or group key is given up only by the Save that puts its successor in force, and a
//     group key only when no member needs it.
//   - A record whose check sums are good and that contradicts itself is [ErrImpossible], at writing
//     and at reading: only a software error does that, or an entry of another record ([ErrMixed]).
//
// # Limitations
//
//   - A former data key stays on its servers until the customer destroys it there: it opens old
//     copies of the record.
//   - The group key of a TCT group cannot be exchanged.
//   - Credentials of a former group key cannot be derived any more, also not for a forensic search.
//   - Assumptions about a real facility: the data range of a member is its global range, its SID
//     and EraseMaster stay at MSID, and credentials are derived as above.
//   - Release believes the drive; verified erasure is the work of package erase.
//   - MemCluster answers at once: a timeout takes no time.
//   - A Group is not safe for concurrent use.
//
// After PowerOff no copy of a data key, a group key or a credential is left in the memory of the
// process; a test searches for them. Copies that this package does not control may stay: the keys
// of MemCluster's servers, what a source of randomness keeps, the buffers of TLS and of package
// ttlv over real sockets, and those of crypto/rsa and crypto/ecdh with IPP and the recovery key.
package encgroup
