// Package image writes a graph of Go values down, and makes the same graph of it again: what points to one thing still
// points to one thing, slices that share an array share one, and unexported fields are there too. So a program can take
// up where another run of it left off, without a second form of everything that it holds.
//
// [NewForm] says what the root is and what cannot be seen from its type: what interfaces hold ([Holds]), what has another
// form while it is kept ([As]), what is done when all is there ([Then]). A field with the tag `image:"wired"` is not
// kept: whoever made the value sets it again in [Then].
//
// # Invariants
//
//   - What cannot be kept is refused by [Form.Encode], by its path and type: a func, a channel, a lock that is held, a type
//     that an interface holds and nobody named. Nothing is left out in silence.
//   - [Form.Decode] makes no value that the types do not allow, whatever the bytes say: each pointer is checked against the
//     type of what it points to. It does not find out that a value is a lie.
//
// # Limitations
//
//   - The same program reads it that wrote it: the layout of types is that of the compiler. Whoever keeps an image keeps
//     with it which program wrote it.
//   - Pointers to variables of packages become pointers to copies, unless they are named by [Outside].
//   - The graph is still while it is written. It holds secrets wherever the values do.
package image
