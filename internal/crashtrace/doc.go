// Package crashtrace lets a process lose what it did not sync. It is for tests of code that writes real
// files, through libraries too, and so cannot be given package crashfs.
//
//   - [Record] runs the test program again under strace and notes every change that it makes to files.
//   - [Trace.Play] makes these changes on a crashfs.FS, up to a cut, and [Lay] writes what is left after
//     the cut to a real directory, where the code finds it again.
//
// # Invariants
//
//   - Nothing about the order of writes and syncs is assumed: it is what the kernel was asked.
//   - A test is skipped where there is no strace, and says so.
//
// # Limitations
//
//   - Writes through mapped memory, and by processes that the recorded one starts, are not seen.
package crashtrace
