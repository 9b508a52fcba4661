// Package conformance judges drives, of whatever make, by what went wrong in real ones. It has one
// property for each row of Rows, with the place where the fault was found.
//
//   - [Device] is the least that a drive under test must offer. [Simulated] makes that of this
//     project; [OfDrive] makes one of any drive that is used by sessions.
//   - What else a drive can do, or lets the suite do to it, is a [Capability]: an interface that the
//     suite finds by type assertion, such as [Dumper], [Breaker] or [Feeder].
//   - [NewMachine] plugs random commands into rapid; [Sweep] cuts the power at each operation of each
//     command; [Benchmark] measures. All take the same Maker.
//   - [Run] judges a device in a test, a subtest for each property. [Judge] gives a [Report].
//   - Soak gives a device a random lifecycle in two phases: under faults it stays safe, and once they are
//     gone it works again.
//   - A failure comes with the shortest run of commands that leads to it. [Replay] runs it again.
//
// The example judges the simulated drive by one property.
//
// # Verdicts
//
//   - A property passes, fails, or is not judged, with the reason and the capability that would be
//     needed. Nothing passes that was not tested.
//   - Where a property says that nothing is found, the same search first finds what it looks for: the
//     key of a range with the PIN of its BandMaster, a key that is gone in a dump to which the old
//     pages were added, a secret in a page in which it was planted. Else nothing is judged.
//   - A cut that cut nothing, a fault that did not fire, and a search over an empty dump judge
//     nothing.
//
// # Invariants
//
//   - Nothing here knows a record format. What a device is, a model knows that has PINs, places,
//     locks and data, and no key.
//   - After a fault the model keeps every outcome that a host must reckon with, and drops those that
//     differ from what the device answers and says of itself.
//   - Each seed draws another device: sectors, ranges, try limit, persistence, geometry of the flash.
//   - The same seed gives the same run, but for the property about commands at the same time.
//
// # Limitations
//
//   - A device that is not built from the parts of the Wish may lie in its dump, and keep secrets in
//     a place that it does not show. For one that is, the suite looks below it.
//   - The search for keys is that of package forensic: see what it tries.
//   - A device has one session at a time, and authorities as in the Enterprise SSC.
//   - After faults that are no power cuts, counts of tries are taken over from the device.
package conformance
