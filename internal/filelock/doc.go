// Package filelock keeps a second process out of a file: [Take] locks a file that is open, or gives
// [ErrHeld]. The example opens one file twice.
//
// # Invariants
//
//   - At most one open file holds the lock of a file.
//   - The lock ends when the file is closed, and with the process, however it ends.
//
// # Limitations
//
//   - It binds only those who ask for it.
//   - Where the system has no advisory lock, Take does nothing, and [Supported] is false: the user
//     has to keep to one process at a time.
package filelock
