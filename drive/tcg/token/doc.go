// Package token is the wire format of TCG Storage: the token stream in which methods and their
// results are written, and the ComPacket, Packet and Subpacket around it. It is used by both sides
// and knows no drive. The clauses are those of TCG Storage Architecture Core Specification 2.01.
//
//   - [Next] takes one [Token] from a stream; [Append] writes one. (3.2.2.3, tokens)
//   - [Parse] makes [Value]s of a stream: atoms, lists and named values, nested. [Value.Append]
//     writes one.
//   - [ParseComPacket] takes apart what one IF-SEND or IF-RECV carries, and [ComPacket.Append]
//     writes it. (3.2.3, ComPackets, Packets and Subpackets)
//
// The example writes a method call and reads it back.
//
// # Invariants
//
//   - No input makes a function panic, or take more memory than a fixed multiple of the input.
//   - What was written reads back as what it was: Next(Append(t)) is t.
//   - What was read and is written again is the same tokens, each in its shortest form.
//   - Every error is a [*SyntaxError] that says at which byte, and what was wrong.
//
// # Limitations
//
//   - An integer has a value of 64 bits at most. A longer atom is read if its leading bytes add
//     nothing, and is an error otherwise.
//   - A stream lies in one Subpacket. Core lets a stream run on over several; no SSC needs it.
package token
