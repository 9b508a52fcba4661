// Command mutation finds out whether the tests of a package would notice a fault in its code. It
// changes one small thing at a time (a condition negated, a boundary moved, a call or an
// assignment left out, nil returned for an error, a number made zero) and runs the package's own
// tests that reach it. A change that no test notices is a gap in the tests, or in the code a line
// that does nothing.
//
// All changes of a package are compiled into one test binary, each behind a number, and a variable
// of the environment switches one on. So 2,000 changes cost one build. The code and the tests are
// those of the last commit, in a copy that is removed afterwards.
//
// # Rules
//
//   - A change is noticed when a test that passes without it fails, when tests take more than 10
//     times the processor time that they take without it, and 6 seconds ("too slow"), or when they
//     take 10 times as long as that by the clock ("hung"). A loop without an end is too slow,
//     however much else the machine does. The clock is for tests that wait for what does not come.
//   - Tests run with -short, 20 random cases from a fixed seed, and 8 GiB of address space. Those
//     beside the changed file run first, then the quickest, until 20 seconds of processor time are
//     over, and 5 for an accepted change. What nothing has noticed by then counts as not noticed.
//   - Which test reaches which change is measured once, by a run of each test alone, and kept in
//     the user's cache until the sources of the package, or of what it imports, change.
//   - Each verdict is kept there too, for as long. A run that was interrupted goes on where it
//     stopped, and the report says how many verdicts are those of an earlier run. Another -most or
//     -grace asks for other verdicts, and so does accepting a change, which alters its test time.
//     With -fresh all is forgotten first.
//   - The score leaves out the accepted changes with the reason "equivalent", and those with the
//     reason "machine" that no test reaches here, because this machine lacks an instruction.
//     Accepted changes with another reason count as not noticed, but are not listed.
//   - An accepted change is found again by file, function and text. Lines may move. With -stale,
//     as in make lint, the code as it is must have each: that takes seconds, and no test runs.
//
// # Exit statuses
//
// 0: all is well. 1: an aim is missed, a change is neither noticed nor accepted, or an accepted one
// is noticed or gone. 2: the arguments are wrong. 3: nothing was found out.
//
// # Limitations
//
//   - Constants and := statements are not changed, nor is a line that would not compile with its
//     changes. The report counts such lines.
//   - What only another package's tests notice counts as not noticed.
//   - A test that reads files of folders that its package does not import may be measured from
//     before they changed.
//   - It needs a Unix system.
package main
