// Package decode says in words what goes over a security interface: which method on which object with
// which columns, how it ended, what level 0 discovery claims. No PIN, key or data is in what it says.
//
//   - A [Decoder] listens to one way to a device: [Decoder.Send] and [Decoder.Receive] get what goes each
//     way, and give a [Message].
//   - [Message.Lines] is the text for people, its JSON form the one for programs.
//
// The example decodes a session's start.
//
// # Invariants
//
//   - Byte sequences are shown where they can only be a UID or a name: which, follows from the method and
//     the column. Of all others the length is shown. What cannot be decoded is not shown at all. Nothing that
//     a host sends to a row of C_PIN is shown but names of columns, and nowhere a column PIN, nor a name that
//     is none of the specification.
//   - No input makes it panic, and a message is at most [MaxText] characters long for each method.
//
// # Limitations
//
//   - The results of a method are decoded fully only where the Decoder has seen its call.
package decode
