// Package secret holds key types that refuse to show themselves: whatever
// prints, logs or marshals one gets a fixed word instead of the bytes.
//
// # Invariants
//
//   - Every verb of package fmt, log/slog and every text encoding give Redacted,
//     also for a key inside a struct, a slice or a map.
//   - Equal takes the same time wherever two keys differ.
//
// # Limitations
//
//   - A key is an array: an assignment copies it, and Clear overwrites only the
//     copy that it is called on.
//   - A pointer printed with %p shows where a key is. Package unsafe, package
//     reflect and a debugger show what it is.
package secret
