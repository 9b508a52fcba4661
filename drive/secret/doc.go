// Package secret holds key types that refuse to show themselves: whatever
// prints, logs or marshals one gets a fixed word instead of the bytes.
//
// # Invariants
//
//   - Every verb of package fmt, log/slog and every text encoding give Redacted,
//     also for a key inside an exported field, a slice or a map.
//   - Outside this package keys are passed and kept by pointer (internal/lint, rule
//     secret): the traceback of a panic shows an address. Who was handed a key owns
//     it and clears it; Clear is for everybody who has the pointer, Clone for who
//     wants bytes of his own.
//   - Equal takes the same time wherever two keys differ.
//
// # Limitations
//
//   - A key is an array: an assignment copies it, and Clear overwrites only the
//     copy that it is called on.
//   - Package fmt asks nothing of an unexported field. Of a pointer there it prints
//     the address under %v; under a verb that fits no pointer (%s) it follows one
//     pointer and prints what is there. A struct that holds a key in such a field
//     therefore has a Format method, or keeps the key in a closure.
//   - A pointer printed with %p shows where a key is. Package unsafe, package
//     reflect and a debugger show what it is.
package secret
