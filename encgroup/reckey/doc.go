// Package reckey is the recovery key of an encryption group: 256 bits on paper that open the group
// when no key server can be reached. The main case is a deadlock, in which every key server waits
// for storage that only a key server can unlock.
//
//	recovery key   256 bits, shown once to the security administrator, stored nowhere
//	hash           HKDF-SHA256(recovery key, salt), 32 bytes, with which an entry is compared
//	key pair       X25519; its private half is stored as AES-KW(HKDF-SHA256(recovery key, salt), private half)
//	escrow         the group key sealed for the public half (package encgroup)
//
// A new group key is sealed with the public half, so it needs no recovery key.
//
// [New] gives a [Recovery], which has a method for each step below; the example plays a deadlock.
// [Encode] and [Decode] are the form on paper. Two people are needed: a security administrator, who
// asks, and a storage administrator, who authorises.
//
//	unconfigured --Configure--> verify pending --Verify--> authorize pending --Authorize--> configured
//	configured --Rekey--> rekey verify pending --Verify--> rekey authorize pending --Authorize--> configured
//	configured --Deconfigure--> deconfigure authorize pending --Authorize--> unconfigured
//	unconfigured --Disable--> disable authorize pending --Authorize--> disabled
//	disabled --Enable--> enable authorize pending --Authorize--> unconfigured
//	any with a key in force --Recover--> recover authorize pending --Authorize--> as before, the group accessible
//
// Cancel leads from any pending state back. Each step saves the state in the group's record, with
// one Save. A recovery that waits is in RAM only, with the private half that it unlocked.
//
// # Published, and assumed
//
// Published (IBM, DS8700 introduction and planning guide):
//
//   - The key has 256 bits. Only a hash and a key pair with an encrypted private half are kept.
//   - The security administrator enters the key again to verify it; the storage administrator
//     authorises.
//   - The states unconfigured, disabled and verify pending. Enabling leads from a pending state to
//     unconfigured.
//
// Our assumptions:
//
//   - The algorithms, the form on paper and the names of the other states.
//   - A former key serves until the new one is authorised.
//   - Wrong entries are counted and not limited: there are 2^256 keys, and a lockout could cost the
//     data. An entry whose check characters are wrong is a typing error and not counted.
//
// # Invariants
//
//   - The user who authorises has neither asked nor verified.
//   - A key that was not verified and authorised recovers nothing; the former key serves until
//     then.
//   - No wrong entry goes uncounted: the count is saved before the answer is given.
//
// # Limitations
//
//   - Users and roles are what the caller says: it has to authenticate them.
//   - Whoever can write the key repository can replace the record.
package reckey
