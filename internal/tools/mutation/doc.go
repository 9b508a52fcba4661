// Command mutation finds out whether the tests of a package would notice a fault in its code. It
// changes one small thing at a time (a condition negated, a boundary moved, a call or an
// assignment left out, nil returned for an error, a number made zero) and runs the package's own
// tests that reach it. A change that no test notices is a gap in the tests, or in the code a line
// that does nothing.
//
// All changes of a package are compiled into one test binary, each behind a number, and a variable
// of the environment switches one on. So 2,000 changes cost one build. The code and the tests are
// those of the last commit, in a copy that is removed afterwards.
package main
