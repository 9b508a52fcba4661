package tcg

import (
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// BenchmarkGet is a Get of three columns, from its bytes to the bytes of the answer.
func BenchmarkGet(b *testing.B) {
	h := newBench(b, nil)
	h.start(spec.EnterpriseLockingSP, false)
	wire := h.packet(h.tsn, h.hsn, call(spec.Band(1), spec.EnterpriseGet, token.L(
		token.N(token.S("startColumn"), token.S("RangeStart")), token.N(token.S("endColumn"), token.S("ReadLockEnabled")),
	)))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.tp.Send(transport.ProtocolTCG, h.com, wire); err != nil {
			b.Fatal(err)
		}
		if _, err := h.tp.Receive(transport.ProtocolTCG, h.com, 2048); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLookup is what BenchmarkGet is compared with: a look-up in a map of three columns by name,
// and the encoding of the answer, from bytes to bytes.
func BenchmarkLookup(b *testing.B) {
	columns := map[string]uint64{"RangeStart": 0, "RangeLength": 0, "ReadLockEnabled": 0}
	h := newBench(b, nil)
	wire := h.packet(0x1001, 105, call(spec.Band(1), spec.EnterpriseGet, token.L(
		token.N(token.S("startColumn"), token.S("RangeStart")), token.N(token.S("endColumn"), token.S("ReadLockEnabled")),
	)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := token.ParseComPacket(wire)
		if err != nil {
			b.Fatal(err)
		}
		values, err := token.Parse(c.Packets[0].Subpackets[0].Payload[1:19], token.Limits{})
		if err != nil || len(values) == 0 {
			b.Fatal(err)
		}
		var row []token.Value
		for _, n := range []string{"RangeStart", "RangeLength", "ReadLockEnabled"} {
			row = append(row, token.N(token.S(n), token.U(columns[n])))
		}
		h.packet(0x1001, 105, result(nil, []token.Value{token.L(token.L(row...))}, spec.Success))
	}
}

// BenchmarkOpalGet is BenchmarkGet on an Opal drive, by an Admin: six columns, as Linux and sedutil read a range.
func BenchmarkOpalGet(b *testing.B) {
	h := newOpalBench(b)
	h.own()
	h.sign(spec.OpalLockingSP, spec.Admin(1), pin(1))
	wire := h.packet(h.tsn, h.hsn, call(spec.Range(1), spec.Get, token.L(token.N(token.U(3), token.U(3)), token.N(token.U(4), token.U(8)))))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.tp.Send(transport.ProtocolTCG, h.com, wire); err != nil {
			b.Fatal(err)
		}
		if _, err := h.tp.Receive(transport.ProtocolTCG, h.com, 2048); err != nil {
			b.Fatal(err)
		}
	}
}
