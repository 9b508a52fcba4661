// Package proptest tests drives by properties. It has a deliberately dumb model of a drive, a
// random state machine of drive commands and flash faults, power cuts at every flash operation of
// every command, and a conformance suite with one subtest for each thing that went wrong in real
// drives.
//
// A property test of a drive is three lines; see the example of NewMachine. Write an assertion of
// your own with Check or Fail: it then prints what a Failure prints. Package facility tests whole
// facilities.
//
//   - Machine runs commands on a drive and on the model and compares them after
//     each step. Its Actions plug into rapid's Repeat.
//   - Do, Must and Replay never skip a command. They run it, or do nothing and say what is wrong,
//     where, and what would be right. So a command of a session that was never opened, a Read of no
//     sectors, an unknown verb, a bad argument and a command after the end of a run (Lost) are
//     errors. Only Actions, whose commands are drawn, skip one that is not Applicable; rapid needs
//     that to shrink a run.
//   - Sweep cuts the power at the k-th flash operation of a command, for k = 0, 1, 2, ... until a
//     run ends uncut. It powers the drive on again, sweeps that power-on in the same way (and,
//     with a Depth of 3, the next one too), and audits the drive. The random bytes of a power-on follow from
//     the state that it finds, so that equal states have equal futures: one that was judged is not judged
//     again. PlanSweep is the same in rows, of which a caller may run several at once.
//   - Package conformance judges any Device, of whatever make. A Drive made by a Maker is under test
//     by the machine and the sweep, and as a Device (conformance.OfDrive) by the suite, its machine and
//     its benchmarks.
//   - So there are two machines with two models. This one knows the simulated drive: its fault plans, its
//     order of refusals, the numbers of its flash; it foretells one answer, or what the documents allow
//     after a fault. That of conformance knows what a host may expect of any device, of which it can ask
//     little, and takes any refusal that makes sense. In one model each rule would stand twice, with
//     a condition. Two that share no code also find each other's mistakes.
//   - Coverage counts the rows of the lifecycle table that were exercised.
//   - Failure is what every one of them reports: seed, version, fault plan, the
//     end of the trace, and a line that replays it.
//
// # Invariants
//
//   - The model shares no code with the drive: it holds who has which PIN, which
//     data was written under which key, and flags. It knows no key and no flash.
//   - After a fault the model keeps every outcome that the documents allow, and drops those that
//     differ from what the drive shows. If none is left, the drive has done something wrong.
//   - Nothing is ambient: the same seed and commands give the same run.
//
// # Limitations
//
// Where two refusals would be right the model expects the one that the drive chooses. After bit rot
// or a read error the model takes over from the drive the try counts and flags that an older record
// of the same keys may have, and still checks keys and data. Flash is modelled as broken, not as
// malicious, except for Tamper, which rewrites the state as a thief could.
package proptest
