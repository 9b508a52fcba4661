// Package reckey is the recovery key of an encryption group: 256 bits on paper that
// open the group when no key server can be reached, above all in a deadlock, where every
// key server waits for storage that only a key server can unlock.
//
//	recovery key      256 bits, shown once to the security administrator, kept nowhere
//	hash              HKDF-SHA256(recovery key, salt), 32 bytes: what an entry is compared with
//	key pair          X25519; the private half is kept as AES-KW(HKDF-SHA256(recovery key, salt), private half)
//	escrow            the group key under seal for the public half (package encgroup)
//
// So the recovery key really recovers, and a new group key comes under seal without
// the recovery key at hand.
//
// Two people are needed, a security administrator who asks and a storage
// administrator who authorises:
//
//	unconfigured --Configure--> verify pending --Verify--> authorize pending --Authorize--> configured
//	configured --Rekey--> rekey verify pending --Verify--> rekey authorize pending --Authorize--> configured
//	configured --Deconfigure--> deconfigure authorize pending --Authorize--> unconfigured
//	unconfigured --Disable--> disable authorize pending --Authorize--> disabled
//	disabled --Enable--> enable authorize pending --Authorize--> unconfigured
//	any with a key in force --Recover--> recover authorize pending --Authorize--> as before, the group accessible
//
// Cancel leads from any pending state back. The state is kept in the group's record,
// by one Save for each step; that of a recovery only in RAM, with the private half that
// it unlocked.
//
// # Published, and assumed
//
// Published (IBM, DS8700 introduction and planning guide): 256 bits; only a hash and a
// key pair with its private half encrypted are kept; the security administrator enters
// the key again to verify it; the storage administrator authorises; unconfigured,
// disabled, verify pending, and that enabling leads from a pending state to unconfigured. Our
// assumptions: the algorithms, the form on paper, the spelling of the other states, that a
// former key serves until the new one is authorised, that wrong entries are counted and not
// limited (there are 2^256 keys, and a lockout could cost the data), and that a
// mistyped entry, found by its check characters, is not counted.
//
// # Invariants
//
//   - The user who authorises is another one than those who asked and verified.
//   - A key that was not verified and authorised recovers nothing; the one before it
//     serves until then.
//   - No wrong entry goes uncounted: the count is kept before the answer is given.
//
// # Limitations
//
// Users and roles are the caller's word: it has to authenticate them. The record can be
// replaced by whoever can write the key repository.
package reckey
