// Package mutants keeps, for each property of the conformance suite, a drive with
// exactly the defect that the property forbids, and requires that the suite
// catches it. A property without a mutant that fails it is not tested.
//
// A mutant is a few small replacements in the source of package drive, applied
// with the go command's -overlay, so that the tree is never touched. Its old text
// must occur exactly once, so a mutant cannot rot unnoticed: that much is checked
// by every run of the tests. To build all mutants and to see each one caught takes
// a few minutes and the go command:
//
//	make mutants
//
// # Limitations
//
// A mutant shows that its subtest can fail, for one defect of its kind.
package mutants
