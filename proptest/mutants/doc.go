// Package mutants keeps, for each property of the conformance suite, drives with exactly the defect
// that the property forbids, and requires that this property catches them. A property without a
// mutant that fails it is not tested. For the way of a facility to its keys it keeps facilities with
// one defect each, which the model of package facility catches; and for what the suite does not reach, since it does
// not speak TCG, Opal drives and TPers, which their own tests catch.
//
// [All] lists them. There are two sorts:
//
//   - A few small replacements in the source, applied with the -overlay of the go command, so that
//     the tree is never touched. The old text must occur exactly once, and the new one must compile. Every run of the tests checks
//     that, so that no mutant gets out of date unnoticed.
//   - A sound device in a wrapper that lies: it keeps PINs elsewhere, or answers before it has done
//     anything.
//
// Building all mutants and seeing each one caught takes a few minutes and the go command:
//
//	make mutants
//
// It prints which property caught a mutant, and after how many commands. A mutant that lives, and one
// that only another property catches, fails the target; so does a sound drive that is accused.
//
// # Limitations
//
// A mutant shows that its property can fail, for one defect of its kind.
package mutants
