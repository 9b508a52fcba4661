// Package erase is the crypto-erase engine: it takes drives and a method, erases
// them, and proves by what is physically there that the old data is out of
// reach. It never believes the drive.
//
// # Methods
//
// RangeErase erases one range and DriveErase every range, both by the drive's
// EraseMaster; PSIDRevert takes the drive back to factory defaults with the PIN
// that is printed on its label.
//
// # Refusal
//
// A drive that holds someone's data (its state is not Erased, or the BandMaster
// of a range that would be erased has a PIN of its own) is erased only for its
// owner: the credential of each such range opens it. PSIDRevert can do without
// credentials, as its use is a drive whose owner is gone; then Job.Destroy must
// repeat the serial number. A refusal comes before anything that bears on data or
// keys is written; what taking the known plaintext left behind (a canary, a
// setting of the locks) is named. Proving a credential is an authentication, so a wrong one
// costs one of the authority's tries (and the write of the try counter); the
// engine spends one try an authority, and none when only one of several is left.
//
// # Verification
//
// Before the erase the engine takes a known plaintext and its ciphertext from
// the media: a sector that was written, read with the owner's credential, or, if
// there is none, a canary that it writes to a sector never written (it stays
// there as noise). A locked range is unlocked for it, but never by a key step: a
// power cut in the middle leaves the range locked. Where the lock outlives power,
// LockOnReset gets the power cycle first, so that the unlock lives in RAM alone;
// the journal says so before, and it is taken back afterwards, if need be by the
// next attempt. It runs erase/forensic over the full dump with every secret,
// as a control: the search must find the way to the plaintext while it is there.
// After the erase:
//
//   - the old credentials are refused (each costs one try, which the next check
//     gives back) and the MSID opens each erased range;
//   - the known plaintext does not come back when the sector is read; one that
//     cannot be read proves nothing, and is counted apart;
//   - the search, with every secret that ever was, finds no key that opens the
//     old ciphertext, and no wrap that opens without a secret;
//   - no piece of the wraps that led to the old key is left in the dump; for a
//     drive whose credential is unknown: no piece of anything that looked like
//     key material.
//
// What the drive says of itself must agree, but agreement alone never passes:
// without evidence from the flash or the media a drive fails. A drive that fails
// is security degraded, whatever it says of itself.
//
// # Validation
//
// The verification says that the erase did what an erase does. Whether that
// sanitizes this drive is another question, and it may end in "not accepted". The
// answer follows from what was found, by these points:
//
//   - medium: what was written can be read from the medium, in part at least, so
//     that somebody can say what lies there;
//   - plain data: nothing on it lies in the clear, as no erase of a key reaches that;
//   - key strength: the old key, where the search reached it, has nothing about it
//     that tells of less than 128 bits;
//   - key copies: every wrap of the old key that the drive had is gone;
//   - outside keys: where somebody else keeps keys that led to the data (key servers,
//     the holders of a recovery key: an escrow), these open nothing. A copy of the media key or
//     of its wraps outside the drive is never accepted;
//   - identity: the drive proved which one it is, where the policy asks for it.
//
// An erase of a drive whose credentials come from a key server rests on the new
// media key, which is made in the drive and never leaves it, and not on anything
// that the key server does: it may give the old credential again at any time. The
// certificate says so.
//
// A point that cannot be judged is named, and is no reason to refuse, except where
// nothing can be read from the medium. What is not accepted has a signed record that says
// so, and counts as not erased: sanitize it in another way, or destroy it.
//
// # Sources
//
// Verification, validation and the fields of certificates follow NIST SP 800-88
// Rev. 2 (26 September 2025, which withdrew Rev. 1): 3.2 cryptographic erase, 4.5.1
// verification, 4.5.2 validation, 4.6 certificate. Its text was not at hand: it is
// known from what others write who have read it, and each place that names a
// section says "not read". Rev. 2 leaves the techniques to IEEE 2883-2022, which was
// not read either; no conformance to it is claimed. What the points look at,
// and how, is ours.
//
// # Invariants
//
// The same jobs on the same drives with the same entropy give the same report and
// the same journal (Concurrency 1). No secret is in a report, journal or
// certificate. A run that was cut at any point is resumed with the same
// journal: drives that passed, and on which no key and no sector has changed
// since, are not touched; all others are erased again and are also checked against
// what the journal remembers of their old wraps.
//
// # Limitations
//
// The search needs the dump and the fuses, which only a simulated drive (or a
// laboratory) gives. While the known plaintext is taken from a locked range,
// whoever shares the drive's port can read it, too. The known plaintext of a customer's sector is never
// journaled, so after a cut the first attempt is judged by its wraps alone. See
// erase/forensic for what a search cannot see. Where one range is erased, has no known
// plaintext, and shares its PIN with another range, the wraps of both count as its own:
// the erase fails, as those of the other are left. Data in the clear that looks random
// itself, such as compressed data, is not told from ciphertext, and the strength
// of a key is only bounded from above.
package erase
