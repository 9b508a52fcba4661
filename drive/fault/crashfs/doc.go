// Package crashfs is a file system in memory that loses what was not synced when power goes. It judges
// the fsyncs of a program that has to survive that: each that is left out costs something in some cut.
//
//   - [New] is an empty one. Its files read, write, truncate and sync as those of package os do;
//     names, those of directories too, are created, linked, renamed, removed and synced by directory.
//   - [FS.CutAt] lets power go at a change, and [FS.AfterCut] is what the next boot finds.
//
// The example loses a file whose directory nobody synced.
//
// # Invariants
//
//   - What Sync of a file acknowledged is in the file after a cut: its bytes and its length. What
//     SyncDir acknowledged is in the directory: its names.
//   - Of a write that was not synced, any of its sectors of 512 bytes may be there, whole. Of the
//     changes of names, any, each whole: a rename never leaves both names or none.
//   - The same seed and changes give the same state. FS may be used by one goroutine at a time.
//
// # Limitations
//
//   - There are no permissions, times or locks. A directory that nobody made is there as soon as a name
//     in it is, and no cut takes it away.
//   - A sync never fails while there is power.
package crashfs
