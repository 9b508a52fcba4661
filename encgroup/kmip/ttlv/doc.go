// Package ttlv reads and writes TTLV, the encoding of KMIP messages: every item is a tag (3 bytes),
// a type (1 byte), a length (4 bytes) and a value padded to a multiple of 8 bytes, all big-endian
// (KMIP specification 1.0 to 1.4, section 9.1).
//
// [Append] writes an [Item] behind a slice and [Decode] reads the one Item that a slice holds, as
// in the example. [Read] takes the fields out of a structure. Decode accepts only the canonical
// encoding: Append gives the same bytes again.
//
// # Invariants
//
//   - Decode never reads beyond its slice, never panics, and allocates at most some 10 bytes for
//     each byte of input. Limits bounds depth and number of items.
//   - Decode does not copy byte and text strings. An Item lives as long as the slice that it was
//     read from, and clearing the slice clears the Item.
//   - An Item prints its tag, type and length. The value of a byte or text string is never printed,
//     because it may be a key or a password.
//
// # Limitations
//
//   - Interval and Date-Time are numbers of seconds. Date-Time Extended (KMIP 2.0) is not
//     supported.
//   - Big Integers are kept as the bytes of the message.
//   - The XML and JSON encodings are not supported.
package ttlv
