// Package faulttest holds tests to the fault plans that they arm. [MustFire] fails a test whose
// plan, or a rule of it, never fired: such a test passes whatever the code does.
package faulttest
