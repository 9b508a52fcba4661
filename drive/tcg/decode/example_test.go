package decode_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/decode"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// A host opens a session as SID. Of its PIN nothing is seen but the length.
func Example() {
	start := call(spec.SessionManager, spec.StartSession, token.U(1), token.UID(spec.AdminSP), token.Bool(true),
		token.N(token.U(0), token.S("my secret PIN")), token.N(token.U(3), token.UID(spec.SID)))
	sent := token.ComPacket{ComID: 0x1000, Packets: []token.Packet{{Subpackets: []token.Subpacket{{Payload: start}}}}}

	var d decode.Decoder
	for _, line := range d.Send(transport.ProtocolTCG, 0x1000, sent.Append(nil)).Lines() {
		fmt.Println(line)
	}
	// Output:
	// ComPacket 1000
	//   SMUID.StartSession(1, Admin SP, 1, 0=<13 bytes>, 3=SID)
}
