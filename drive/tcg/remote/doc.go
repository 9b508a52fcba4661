// Package remote is an Enterprise drive that is reached over its interfaces and not by its methods: what
// package drive has of a drive and of a [drive.Session], made of IF-SEND and IF-RECV by drive/tcg/host, and of
// the commands of its block interface. Whoever takes a drive by its methods, such as an encryption group or
// an erase engine, reaches one of silicon with it, or one of ours as if it were.
//
//   - [New] makes a [Drive] of a transport and of a [Block].
//
// # Invariants
//
//   - Nothing is known of the drive but what it answered, and what is printed on it ([Identity]).
//   - Each error is a drive.StatusError with the method and the code; there is no text of the drive in it,
//     since none comes over a wire.
//   - One step of the drive stays one: Migrate and EraseAll are a transaction each, so a power cut leaves
//     all of them or nothing.
//
// # Where the wire says less
//
//   - FAIL stands for several codes. Which it was is in the maker's report, as a drive's error log has it; where there
//     is none it is drive.HardwareFailure.
//   - A drive that does not answer is drive.NoPower where it did not answer before the command either, and
//     drive.PowerLost where it did: it may have done what it was told.
//   - How many tries are used, which PIN is the factory's, the lifecycle state, and the factory identity
//     have no place in SSC Enterprise. They come by the maker's security protocol (spec.MakerReport), which
//     fdelab's drives have; so does the method Restore.
//
// # Limitations
//
//   - A Drive is used by one goroutine at a time.
//   - A drive of another make answers no maker's protocol, and with that no Status.
package remote
