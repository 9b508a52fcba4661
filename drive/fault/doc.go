// Package fault is the language of broken hardware: fault points, and plans that say which of them
// fire on which operation.
//
//   - [Register] names a fault point as component.operation.phase (flash.program.torn). A component
//     registers it once, in a package-level variable, with its effect and its budget: what the
//     device under test owes when it fires. [Points] lists them.
//   - [Parse] reads a [Plan].
//   - [Plan.Check] is what an injector asks before it lets an operation through. An injector wraps
//     a hardware interface; the code above the interface does not know that this package exists.
//   - [Idle] names the rules that never fired: a test whose plan does not fire tests nothing.
//
// The example registers a point of a cooling fan and breaks the fan by a plan.
//
// # Plans
//
// A plan is one or more rules, each an s-expression of a point and at most one predicate:
//
//	(flash.erase.refused (Block 3))
//	(flash.program.torn (And (Block 3) (OnIndex 1)))
//	(flash.power.before (Or (OnIndex 4) (OnIndex 9)))
//	(flash.read.error (Randomly 0.01 7))
//
// A rule sees the operations of its point, which are those whose name is the point's without the
// phase: flash.program.torn sees every flash.program. It fires where its predicate holds, and
// always where it has none.
//
//	(OnIndex n)          the n-th operation, counted from 0
//	(After n)            every operation once n have passed: n, n+1, ...
//	(Every n)            every n-th operation: n-1, 2n-1, ...; n is at least 1
//	(Randomly p seed)    each with probability p, above 0 and at most 1
//	(Block n)            operations on erase block n
//	(Page n)             operations on page n of any block
//	(LBA n)              operations on sector n
//	(Byte n)             operations on byte n of a region of memory
//	(Programmed)         what is addressed holds data
//	(Blank)              what is addressed holds none
//	(And a b ...)        all hold; stops at the first that does not
//	(Or a b ...)         one holds; always asks all of them
//	(Not a)              a does not hold
//
// OnIndex, After and Every count from 0, when the plan is armed, and each counts the operations
// that it is asked about. And stops at the first predicate that fails, so the order matters:
//
//	(And (Block 3) (OnIndex 1))    the second operation on block 3
//	(And (OnIndex 1) (Block 3))    the second operation, if it is on block 3
//
// # Invariants
//
//   - The same plan on the same operations fires the same points: nothing is drawn from outside,
//     and each Randomly has a ChaCha8 stream of its own.
//   - Parse(p.String()) is p, and String is the one canonical spelling.
//   - Check allocates nothing and never fires a point that is not in the plan.
//   - A nil *Plan is the plan without rules: it matches nothing.
//   - What Parse refuses, it refuses in one line with the position, the cause and what would be
//     right.
//
// # Limitations
//
//   - A plan carries the counts of its rules: it is not safe for concurrent use, and belongs to one
//     device under test. Clone makes another.
//   - One operation fires one point at most, that of the first rule that holds. The other rules
//     count the operation all the same.
//   - Only points of packages that are linked into the program are known.
//   - Two Randomly with the same seed draw the same numbers.
package fault
