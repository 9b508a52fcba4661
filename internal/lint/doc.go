// Package lint holds the source of the module to its own rules. [Run] gives a [Finding] for each
// breach; a test of this package runs it over the module, and each rule is tested against a bad
// sample in testdata, so that it can fail. The example is one rule on its sample.
//
// The rules ask
//
//   - which way imports go;
//   - that nothing below the command is ambient;
//   - that no key is passed by value;
//   - that strangers can name the types that they see;
//   - that a service reference code is raised in one place;
//   - that functions fit a screen;
//   - how files and documentation look.
//
// # Invariants
//
//   - A finding names file, line and rule, and says what would be right.
//   - An exception stands in allow.go, with its reason. An exception that excuses nothing is itself
//     a finding.
//
// # Limitations
//
//   - The rules see what the type checker sees in files for the running system. Files that only
//     other systems compile are checked for their text alone.
//   - map-order finds range statements over maps and the iterators of package maps that are not
//     sorted at once. A map hidden behind a function of another module is not found.
//   - secret knows the key types of a package named secret. A slice or a string with the bytes of a
//     key is not found, nor is a copy in a local variable.
//   - exported does not follow a type of another package into its fields: they are looked at where
//     they are declared.
//   - ambient knows the clocks and random sources of the standard library only.
package lint
