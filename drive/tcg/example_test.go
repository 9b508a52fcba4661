package tcg_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// A host reads level 0 discovery, opens a session, and asks for MSID.
func Example() {
	d, _, err := drive.Manufacture(drive.Config{
		Serial: "S0001", SectorSize: 512, Sectors: 1 << 20, Ranges: 1, TryLimit: 5, PBKDF2Iterations: 1000,
	}, drive.Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(7, "S0001"),
	})
	if err != nil {
		panic(err)
	}
	var t transport.Transport
	if t, err = tcg.New(d, tcg.Options{Entropy: entropy.Stream(7, "random")}); err != nil {
		panic(err)
	}
	b, _ := t.Receive(transport.ProtocolTCG, spec.DiscoveryComID, 512)
	found, _ := spec.ParseDiscovery(b)
	e, _ := found.Enterprise()
	fmt.Printf("base ComID %04X\n", e.BaseComID)

	say := func(tsn uint32, object, method spec.UID, params ...token.Value) []token.Value {
		s := token.AppendUID(token.AppendUID([]byte{0xF8}, uint64(object)), uint64(method))
		s = append(token.L(params...).Append(s), 0xF9, 0xF0, 0, 0, 0, 0xF1)
		p := token.Packet{TSN: tsn, Subpackets: []token.Subpacket{{Payload: s}}}
		if tsn != 0 {
			p.HSN = 105
		}
		c := token.ComPacket{ComID: e.BaseComID, Packets: []token.Packet{p}}
		_ = t.Send(transport.ProtocolTCG, e.BaseComID, c.Append(nil))
		b, _ := t.Receive(transport.ProtocolTCG, e.BaseComID, 2048)
		answer, _ := token.ParseComPacket(b)
		r := token.NewReader(answer.Packets[0].Subpackets[0].Payload, token.Limits{})
		if tsn == 0 {
			for range 3 { // Call, the session manager, SyncSession
				_, _ = r.Token()
			}
		}
		v, _ := r.Value()
		return v.Items
	}
	sync := say(0, spec.SessionManager, spec.StartSession, token.U(105), token.UID(spec.AdminSP), token.Bool(false))
	tsn, _ := sync[1].Uint()
	rows := say(uint32(tsn), spec.CPINMSID, spec.EnterpriseGet, token.L(token.N(token.S("startColumn"), token.S("PIN"))))
	name, value, _ := rows[0].Items[0].Items[0].Named()
	column, _ := name.Bytes()
	pin, _ := value.Bytes()
	fmt.Printf("%s: %d bytes\n", column, len(pin))
	// Output:
	// base ComID 07FE
	// PIN: 32 bytes
}
