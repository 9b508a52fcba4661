// Package aes256 is the key schedule of AES-256 (FIPS 197 section 5.2) that packages xts and
// keywrap share, and the choice of how they run the cipher. [Schedule] is the expanded key;
// [Chosen] is the path of this process, [Paths] are those that the machine can take.
//
// # Invariants
//
//   - Every path gives the same bytes.
//   - Clear leaves no round key behind. The schedule has no pointer to a copy, but for the Generic
//     path, whose cipher.Block is wiped as well.
//   - No path looks a table up by secret data, and none branches on one. Of the Generic path that
//     is crypto/aes's to say.
//
// # Limitations
//
// Assembly is for amd64 alone. The build tag purego leaves it out.
package aes256
