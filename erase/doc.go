// Package erase is the crypto-erase engine: it takes drives and a method, erases them, and proves
// by what is physically there that the old data is out of reach. It never believes the drive.
//
//   - [New] makes an [Engine] from [Options]; [Engine.Run] works on a list of [Job], each a
//     [Target] and a [Method], and gives a [Report] with a [Result] for each.
//   - [OpenJournal] makes a run resumable.
//   - [VerifyCertificate] checks the [Certificate] of a drive, which [Sign] made of a [Statement].
//
// The example is refused a drive, erases it with its owner's credential, and verifies the
// certificate.
//
// # Methods
//
//   - [RangeErase] erases one range and [DriveErase] every range, both by the drive's EraseMaster.
//   - [PSIDRevert] takes the drive back to factory defaults with the PIN that is printed on its
//     label.
//
// # Refusal
//
// A drive holds someone's data where its state is not Erased, or where the BandMaster of a range
// that would be erased has a PIN of its own. It is erased for its owner only: the credential of
// each such range opens it. A PSID revert is for drives whose owner is gone, and needs no
// credential; instead Job.Destroy must repeat the serial number.
//
//   - A refusal comes before data or keys are changed. What taking the known plaintext left behind
//     (a canary, a setting of the locks) is named.
//   - To prove a credential is to authenticate with it, so a wrong one costs one of the authority's
//     tries, and the write of the try counter. The engine spends one try an authority, and none
//     where only one of several is left.
//
// # Verification
//
// Before the erase the engine takes a known plaintext and its ciphertext from the media. It is a
// sector that was written, read with the owner's credential, or else a canary, which the engine
// writes to a sector that was never written, where it stays as noise. As a control, package
// forensic searches the whole dump with every secret: it must find the way to the plaintext while
// it is there.
//
// A locked range is unlocked for this, and never by a key step: a power cut in the middle leaves
// the range locked. Where the lock outlives power, LockOnReset gets the power cycle first, so that
// the unlock lives in RAM alone. The journal says so before, and it is taken back afterwards, if
// need be by the next attempt.
//
// After the erase:
//
//   - the old credentials are refused (each costs one try, which the next check gives back), and
//     the MSID opens each erased range;
//   - the known plaintext does not come back when the sector is read; a sector that cannot be read
//     proves nothing, and is counted apart;
//   - the search, with every secret that ever was, finds no key that opens the old ciphertext, and
//     no wrap that opens without a secret;
//   - no piece of the wraps that led to the old key is left in the dump; for a drive whose
//     credential is unknown, no piece of anything that looked like key material.
//
// What the drive says of itself must agree. That is never enough: a drive without evidence from the
// flash or the media fails. A drive that fails is security degraded, whatever it says of itself.
//
// # Validation
//
// The verification says that the erase did what an erase does. Whether that sanitizes this drive is
// another question, and it may end in "not accepted". The answer follows from what was found, by
// these points:
//
//   - medium: what was written can be read from the medium, in part at least, so that somebody can
//     say what lies there;
//   - plain data: nothing on it lies in the clear, since no erase of a key reaches that;
//   - key strength: nothing about the old key, where the search reached it, tells of less than 128
//     bits;
//   - key copies: every wrap of the old key that the drive had is gone;
//   - outside keys: where somebody else keeps keys that led to the data (key servers, the holders
//     of a recovery key), these open nothing. A copy of the media key or of its wraps outside the
//     drive is never accepted;
//   - identity: the drive proved which one it is, where the policy asks for it.
//
// A point that cannot be judged is named. It is no reason to refuse, except where nothing can be
// read from the medium. What is not accepted gets a signed record that says so, and counts as not
// erased: sanitize it in another way, or destroy it.
//
// An erase of a drive whose credentials come from a key server rests on the new media key, which is
// made in the drive and never leaves it. It does not rest on anything that the key server does,
// which may give the old credential again at any time. The certificate says so.
//
// # Certificates
//
// A certificate is an in-toto statement (spec/v1, with a predicate of ours, [PredicateType]) in a
// DSSE envelope (protocol v1) with one Ed25519 signature. Its subject is the drive: the digest sha256
// is that of the public key of the factory identity that the drive proved, and a drive that proved
// none has a digest of another name over its serial number. It is written as JSON, as text, or
// as a page that prints on one sheet, and each form verifies byte for byte or not at all. Fields that identify hold only characters that
// look like no other: things ASCII, people and places ASCII and Latin letters with accents.
//
// # Sources
//
// Two standards are named in this module and were not read:
//
//   - NIST SP 800-88 Rev. 2 (26 September 2025, which withdrew Rev. 1): sections 3.2 cryptographic
//     erase, 4.5.1 verification, 4.5.2 validation, 4.6 certificate. Verification, validation and
//     the fields of certificates follow it.
//   - IEEE 2883-2022, to which Rev. 2 leaves the techniques.
//
// What they ask for is known from what others write who have read them. No conformance is claimed.
// What the points of a validation look at, and how, is ours.
//
// # Invariants
//
//   - The same jobs on the same drives with the same entropy give the same report and the same
//     journal, with Concurrency 1.
//   - No secret is in a report, journal or certificate.
//   - A run that was cut at any point is resumed with the same journal. Drives that passed, and on
//     which no key and no sector has changed since, are not touched. All others are erased again,
//     and are also checked against what the journal remembers of their old wraps.
//   - Where a signer comes after a drive passed, its flash is searched again before anything is signed.
//     The certificate tells apart what this run saw and what the journal says.
//
// # Limitations
//
//   - The search needs the dump and the fuses, which only a simulated drive, or a laboratory,
//     gives. Package forensic says what it cannot see.
//   - While the known plaintext is taken from a locked range, whoever shares the drive's port can
//     read it, too.
//   - The known plaintext of a customer's sector is never journaled, so after a cut the first
//     attempt is judged by its wraps alone.
//   - Where one range is erased, has no known plaintext, and shares its PIN with another range, the
//     wraps of both count as its own: the erase fails, since those of the other are left.
//   - Data in the clear that looks random itself, such as compressed data, is not told from
//     ciphertext.
//   - The strength of a key is only bounded from above.
package erase
