// Package filelock keeps a second process out of a file.
//
// # Invariants
//
//   - At most one open file holds the lock of a file.
//   - The lock ends when the file is closed, and with the process, however it ends.
//
// # Limitations
//
// It binds those who ask for it alone. Where the system has no advisory lock it does
// nothing, and Supported is false: keeping to one process at a time is then up to the user.
package filelock
