// Package layout fits text into the width of a terminal.
//
//   - [Wrap] and [Hang] break a text at its blanks; [Fold] breaks one line of output, and a
//     [Folder] every line that is written to it.
//   - A [Table] is a text/tabwriter that shrinks to the width. The example shows one.
//
// # Invariants
//
//   - No line is wider than asked for, except where a single word is wider: it is kept whole, so
//     that it can be copied.
//   - No word is broken, and none is left out: a table that shrinks breaks its cells at blanks, and
//     becomes a list where its widest words do not fit side by side.
//   - A table that fits looks as text/tabwriter makes it, byte for byte: output that is compared
//     does not depend on this package.
//   - Colour codes (CSI ... m) take no room.
//
// # Limitations
//
//   - A character counts as one column: combining and double-width characters are not known.
package layout
