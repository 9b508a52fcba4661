package token_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// A host asks for 32 random bytes of its session, in the form of a packet.
func Example() {
	stream := token.Append(nil, token.Token{Kind: token.Call})
	stream = token.AppendUID(stream, 0x0000000000000001) // this SP
	stream = token.AppendUID(stream, 0x0000000600000601) // Random
	stream = token.L(token.U(32)).Append(stream)
	stream = token.Append(stream, token.Token{Kind: token.EndOfData})
	stream = token.L(token.U(0), token.U(0), token.U(0)).Append(stream)
	c := token.ComPacket{ComID: 0x07FE, Packets: []token.Packet{{
		TSN: 4097, HSN: 105, Subpackets: []token.Subpacket{{Kind: token.Data, Payload: stream}},
	}}}
	wire := c.Append(nil)
	fmt.Println(len(wire), "bytes")

	back, err := token.ParseComPacket(wire)
	if err != nil {
		panic(err)
	}
	r := token.NewReader(back.Packets[0].Subpackets[0].Payload, token.Limits{})
	for r.More() {
		t, _ := r.Token()
		fmt.Print(t.Kind, " ")
	}
	// Output:
	// 84 bytes
	// Call bytes bytes StartList uint EndList EndOfData StartList uint uint uint EndList
}
