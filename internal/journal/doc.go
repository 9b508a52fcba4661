// Package journal keeps entries in a file, each safe before it counts: lines of JSON, each with a check
// sum, synced one by one. [Open] opens a file, [Log.Append] adds an entry.
//
// # Invariants
//
//   - When Append returns nil, the entry outlives the process and a loss of power.
//   - After an error of Append nothing more is taken: the end of the file is unknown until it is opened again. What Append
//     wrote of the entry is cut off, if the file system does that.
//   - A file that is refused is left as it is.
//   - One process at a time has it, where the system has locks (internal/filelock).
//
// # Limitations
//
//   - A check sum finds what broke, not who forged it.
//   - The whole file is read at once.
package journal
