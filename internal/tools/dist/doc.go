// Command dist builds what is handed out: for each platform a folder and an archive of it with the
// static command, its man pages, its completions, the license and a list of the modules inside
// (SPDX 2.3), and one file with the SHA-256 checksums. A folder is laid out as /usr/local is, so
// that to install is to copy it.
//
// # Rules
//
//   - The same commit gives the same bytes, wherever it is built. Nothing asks the clock: every
//     date is SOURCE_DATE_EPOCH, or else that of the commit, or else 1980-01-01.
//   - The version is that of -version, or else that of git: a tag, or v0.0.0-DATE-COMMIT as Go
//     writes it. It ends in +dirty where the source had changes. A source without git has the
//     version "devel".
//   - Man pages are made of what `fdelab help --json` says, by cobra's own generator.
//   - The list of modules is what the linker recorded in the binary. Licenses are NOASSERTION:
//     nothing in a binary tells them.
//
// # Exit statuses
//
// 0: all is built. 2: the arguments are wrong. 3: something could not be built or written; what is
// in the folder is then not to be used, and has no checksums.
//
// # Limitations
//
//   - Equal checksums need the same version of Go. The list of modules names it.
//   - Binaries and archives are not signed.
package main
