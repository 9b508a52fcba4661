// Package mutants keeps, for each property of the conformance suite, a drive with exactly the
// defect that the property forbids, and requires that the suite catches it. A property without a
// mutant that fails it is not tested. For the way of a facility to its keys it keeps facilities
// with one defect each, which the model of package facility catches.
//
// A mutant is a few small replacements in the source, applied with the -overlay of the go command,
// so that the tree is never touched. Its old text must occur exactly once. Every run of the tests
// checks that, so that no mutant gets out of date unnoticed. Building all mutants and seeing each
// one caught takes a few minutes and the go command:
//
//	make mutants
//
// # Limitations
//
// A mutant shows that its subtest can fail, for one defect of its kind.
package mutants
