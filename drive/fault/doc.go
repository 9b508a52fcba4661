// Package fault is the language of broken hardware: fault points, plans that
// say which of them fire on which operation, and the check that an injector
// makes before it lets an operation through.
//
// A fault point is named component.operation.phase (flash.program.torn) and is
// registered once, as a package-level variable of the component whose injector
// can make it happen, with its effect and with its budget: what the device
// under test owes when it fires. A component wraps a hardware interface; the
// code above the interface does not know that this package exists.
//
// A plan is one or more rules, each an s-expression of a point and at most one
// predicate:
//
//	(flash.erase.refused (Block 3))
//	(flash.program.torn (And (Block 3) (OnIndex 1)))
//	(flash.power.before (Or (OnIndex 4) (OnIndex 9)))
//	(flash.read.error (Randomly 0.01 7))
//
// A rule sees the operations of its point: those whose name is the point's
// without the phase, so flash.program.torn sees every flash.program. The rule
// fires where its predicate holds; with no predicate, always.
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
// OnIndex, After and Every count from 0, when the plan is armed, and each
// counts the operations that it is asked about. Because And stops at the first
// predicate that fails, order is meaning there: (And (Block 3) (OnIndex 1)) is
// the second operation on block 3, (And (OnIndex 1) (Block 3)) is the second
// operation, provided that it is on block 3.
//
// # Invariants
//
//   - The same plan on the same operations fires the same points: nothing is
//     drawn from outside, each Randomly has a ChaCha8 stream of its own.
//   - Parse(p.String()) is p, and String is the one canonical spelling.
//   - Check allocates nothing and never fires a point that is not in the plan.
//   - A nil *Plan is the plan without rules: it matches nothing.
//   - Whatever Parse refuses, it refuses in one line with position, cause and what would be
//     right, and nothing is armed.
//
// # Limitations
//
//   - A plan carries the counts of its rules: it is not safe for concurrent
//     use, and belongs to one device under test. Clone makes another.
//   - One operation fires one point at most, that of the first rule that
//     holds. The other rules count the operation all the same.
//   - Only points of packages that are linked into the program are known.
//   - Two Randomly with the same seed draw the same numbers.
package fault
