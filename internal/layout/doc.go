// Package layout fits text into the width of a terminal: it wraps sentences at words, and
// shrinks tables.
//
// # Invariants
//
//   - No line is wider than asked for, except where a single word is wider or a drawing is kept whole.
//   - Nothing is left out: a table that shrinks breaks its cells into several lines.
//   - A table that fits looks as text/tabwriter makes it, byte for byte: output that is
//     compared does not depend on this package.
//   - Colour codes (CSI ... m) take no room.
//
// # Limitations
//
// A character counts as one column: combining and double-width characters are not known.
package layout
