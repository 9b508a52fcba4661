// Package spell writes values for people.
//
// # Invariants
//
//   - The text depends on the value alone.
//
// # Limitations
//
// English only, and no longer unit than a day.
package spell
