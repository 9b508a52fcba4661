// Package forensic looks for keys in the dump of a drive the way a thief with a soldering iron
// would: it knows no record format and trusts no field, it tries bytes.
//
//   - [Search] gets every page of the flash, every [Secret] that ever was, and an [Oracle]: a known
//     plaintext with its ciphertext. It says whether those bytes still hold a way to the plaintext,
//     and by which steps.
//   - [SearchAs] names for each finding the weakest of three adversaries who gets there: one reads the
//     flash, one reads flash and fuses, one reads both and knows the retired credentials given.
//   - A [Searcher] searches one dump of a drive after the other, and tries nothing twice.
//   - [PrintsOfWraps] and [PrintsOfAll] remember pieces of a dump; [Remains] says where another
//     dump still holds one.
//
// The example has the chip of a drive that nobody locked.
//
// # What is tried
//
//   - Every window of 64 bytes, at every byte offset, as an AES-256-XTS key, also with its halves
//     swapped.
//   - Every window of 40 and of 72 bytes at a multiple of 8 as an AES-KW wrap (RFC 3394) of a key
//     of 32 or 64 bytes, also of the form for padded keys (RFC 5649), under every key-encrypting key (KEK) that can be derived: each secret
//     itself, constants, the KEK of the root key, and the drive's own derivation over each secret
//     with the 16 bytes before the wrap as salt.
//   - Every 32-byte key that comes out of a wrap as one more KEK, until nothing new comes out;
//     every 64-byte key on the known plaintext.
//
// Options.Deep adds
//
//   - salts from anywhere in the page;
//   - every window of 32 bytes of the dump as a KEK (a drive must not keep the key beside the lock:
//     WDC-19007);
//   - every constant;
//   - XTS keys whose halves lie apart in a page.
//
// Options.Also adds [Ways] that drives of other makes call for: keys in hex, base64, backwards or under a
// constant, AES-GCM, ECB and CBC, hashed PINs, bytes of the dump as PINs, keys of small seeds, the
// secrets' own bytes, keys that came again. Each has a budget of operations, so that the time is
// bounded whatever the dump holds. Findings.Left says what was not tried.
//
// # Invariants
//
//   - Search changes nothing, draws no randomness, and gives the same findings for the same input, in
//     the same order whatever runner shares the work (Options.Parallel). It starts no goroutine.
//   - A finding names secrets and places; it never holds key bytes.
//   - What a search derived or reached, and the key schedules of it, are overwritten when it ends.
//     The caller's secrets are the caller's to clear. The ways of Options.Also use the standard
//     library, which overwrites no key schedule.
//
// # Limitations
//
//   - A search that finds nothing proves that these ways are shut, and not that there is no other:
//     a key that is split, encoded, compressed or enciphered by a scheme that is not listed above
//     is not seen.
//   - Wraps are looked for at multiples of 8 bytes within one page; AES-GCM wraps at multiples of 4,
//     deep at every byte, without additional data.
//   - A wrap looks random, so bytes that do not are not taken for one: fewer than 4 different
//     values in 8 bytes (a real wrap is missed once in 10^8), fewer than 20 in 40. In the deep
//     search the same holds for key bytes: fewer than 12 in 32.
package forensic
