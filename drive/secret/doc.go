// Package secret holds key types that do not show themselves: what prints, logs or marshals one
// gets [Redacted] in place of the bytes.
//
//   - [Key32] and [Key64] are the keys. [Take32] and [Take64] move the bytes of a slice into one
//     and clear the slice; [Derive32] derives one by HKDF-SHA256, a [Deriver] many.
//   - [WipeCipher] overwrites the key schedule of a block cipher.
//
// The example prints and marshals a struct with a key in it.
//
// # Invariants
//
//   - Every verb of package fmt, log/slog and every text encoding give Redacted, also for a key in
//     an exported field, a slice or a map.
//   - Outside this package keys are passed and kept by pointer (internal/lint, rule secret), so
//     that the traceback of a panic shows an address. Whoever was handed a key owns it and clears
//     it. Clear overwrites it for everybody who has the pointer; Clone gives bytes of one's own.
//   - Equal takes the same time wherever two keys differ.
//
// # Limitations
//
//   - A key is an array: an assignment copies it, and Clear overwrites only the copy that it is
//     called on.
//   - Package fmt does not call the methods of an unexported field. Of a pointer there it prints
//     the address under %v; under a verb that fits no pointer (%s) it follows the pointer and
//     prints the bytes. A struct that holds a key in such a field therefore has a Format method, or
//     keeps the key in a closure.
//   - A goroutine that is interrupted while it copies a key leaves the registers, with up to 64 bytes
//     of it, where the runtime and the kernel saved them. Nothing here overwrites that.
//   - A pointer printed with %p shows where a key is. Package unsafe, package reflect and a
//     debugger show what it is.
package secret
