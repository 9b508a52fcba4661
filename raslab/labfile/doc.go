// Package labfile keeps a laboratory in a directory, so that it is there when its process has ended: what it
// was made with and the commands that were given, in a journal. [Create] makes one and [Open] plays it again;
// commands go through [Lab.Session] and [Lab.DSCLI].
//
// # Invariants
//
//   - A command is in the journal, and the journal is synced, before its answer is shown. What was answered
//     outlives the process and a loss of power.
//   - A lab that is opened plays as it did: each entry has the verdict, the virtual time and a hash of what its
//     command added to the facilities' logs. A version that plays an entry otherwise says which, and leaves the
//     lab as it is.
//   - A journal that is torn or was altered is refused with the entry and the byte, and left as it is. [Copy]
//     makes a lab of the entries before.
//   - One process at a time has a lab.
//   - Files that commands read are in the journal; files that they write are written once, not again when the lab is
//     opened.
//   - Virtual time stands still while nobody has the lab open.
//   - A long lab has a snapshot beside its journal, mode 0600, which may be deleted at any moment. With it or without, the
//     lab opens the same, and what is in it was in the journal before.
//
// # Limitations
//
//   - Without a snapshot opening takes as long as the commands took, without their waiting for the disk. There is none
//     of fewer than 500 entries, and of a lab that holds what package internal/image cannot keep.
//   - A snapshot that whoever can write the directory forged, with a sum that fits, is found out only where a command
//     behind it comes to something else than its entry says.
//   - A lab has no drive files, no real key servers and no cloud server of another process: what they answer
//     cannot be played again.
//   - The journal holds what was typed, and so every PIN and recovery key among it. Only its owner may read it.
package labfile
