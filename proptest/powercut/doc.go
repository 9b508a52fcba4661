// Package powercut cuts the power of what stands around a drive: of an encryption group, of the erase
// engine and of the key repository; and of an Opal drive. For an Enterprise drive there is proptest.Sweep.
//
//   - [PlanSweep] checks what is asked for, and [Plan.Run] runs one operation of it, in all modes.
//   - [Parts] and [Operations] name what there is.
//
// In each run everything hangs on one supply: the flash and the media of the drives, the copies of the
// repository, the disk with the journal. The supply counts every change of any of them, and goes at
// change 0, 1, 2, ... until a run ends uncut: before the change, in its middle, or after it. Then the
// facility starts again and finishes what it had begun, and that is cut in the same way, and the start
// after that. In the modes that begin with "drive" only the drive loses its power, and the software goes
// on without it.
//
// The operation is cut in runs of its own, one for each cut. A start is run once: at each of its changes
// what outlives the power is copied, and each cut is made on a copy. A test shows that this says what runs
// of their own say. A copy is started with random streams that are named by the number of cuts, so that what
// comes follows from the state and that number. A state that the operation met before, after as many cuts in
// whatever modes, is counted and not judged again.
//
// # Invariants
//
//   - At the end of each run the part is in its old state or in its new one, and in the new one if that was
//     acknowledged. It stays so over one more loss of power.
//   - A row in which nothing was cut is a violation, and so is an operation that does not end, and a row in
//     which nothing was refused where [Companies] says that something is.
//   - The same options give the same result.
//
// # Limitations
//
//   - Reads are not cut: what a loss of power takes between two changes is in memory only.
//   - The customer's key servers have their own power, and keep it.
//   - Beside the power, the first block or page of each drive refuses. Package proptest breaks more of a drive.
//   - The third cut is of one mode. Where the flash of the drives refuses something, there are two cuts at most.
package powercut
