package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The low quadword of a register is the integrity register A of RFC 3394, the high one the
// semiblock R(i). The buffer is A, then R(1) to R(n).

// steps puts the counter t, big endian, into the low quadword of c.
func steps(t Register, c VecVirtual) {
	swapped := GP64()
	MOVQ(t, swapped)
	BSWAPQ(swapped)
	VMOVQ(swapped, c)
}

func wrap() {
	TEXT("wrap", NOSPLIT, "func(keys *[240]byte, buffer *byte, n int)")
	Pragma("noescape")
	Doc("wrap does the 6n steps of RFC 3394 section 2.2.1 in place. The buffer is 8(n+1) bytes, A first.")
	keys := Load(Param("keys"), GP64())
	buffer := Load(Param("buffer"), GP64())
	n := Load(Param("n"), GP64())
	pass, i, t, at := GP64(), GP64(), GP64(), GP64()
	b, count := XMM(), XMM()
	VMOVQ(Mem{Base: buffer}, b)
	MOVQ(U32(6), pass)
	MOVQ(U32(1), t)
	Label("wrapPass")
	MOVQ(n, i)
	LEAQ(Mem{Base: buffer, Disp: 8}, at)
	Label("wrapStep")
	steps(t, count)
	VPINSRQ(Imm(1), Mem{Base: at}, b, b)
	through(keys, VAESENC, VAESENCLAST, b)
	VPEXTRQ(Imm(1), b, Mem{Base: at})
	VPXOR(count, b, b)
	INCQ(t)
	ADDQ(Imm(8), at)
	DECQ(i)
	JNZ(LabelRef("wrapStep"))
	DECQ(pass)
	JNZ(LabelRef("wrapPass"))
	VMOVQ(b, Mem{Base: buffer})
	VZEROALL()
	RET()
}

func unwrap() {
	TEXT("unwrap", NOSPLIT, "func(keys *[240]byte, buffer *byte, n int)")
	Pragma("noescape")
	Doc("unwrap undoes wrap, with the round keys of the inverse cipher.")
	backwards("unwrap", 1)
}

func unwrapEight() {
	TEXT("unwrapEight", NOSPLIT, "func(keys *[240]byte, buffer *byte, n int)")
	Pragma("noescape")
	Doc("unwrapEight is unwrap of eight buffers that lie one after the other.")
	backwards("unwrapEight", 8)
}

func backwards(name string, buffers int) {
	keys := Load(Param("keys"), GP64())
	buffer := Load(Param("buffer"), GP64())
	n := Load(Param("n"), GP64())
	pass, i, t, at, stride := GP64(), GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 1, Disp: 0}, t)
	LEAQ(Mem{Base: t, Index: t, Scale: 2}, t) // 6n
	MOVQ(n, stride)
	SHLQ(Imm(3), stride)
	ADDQ(Imm(8), stride)
	b, count := make([]VecVirtual, buffers), XMM()
	at2 := GP64()
	MOVQ(buffer, at2)
	for j := range b {
		b[j] = XMM()
		VMOVQ(Mem{Base: at2}, b[j])
		if j < buffers-1 {
			ADDQ(stride, at2)
		}
	}
	MOVQ(U32(6), pass)
	Label(name + "Pass")
	MOVQ(n, i)
	LEAQ(Mem{Base: buffer, Index: n, Scale: 8}, at)
	Label(name + "Step")
	steps(t, count)
	MOVQ(at, at2)
	for j := range b {
		VPXOR(count, b[j], b[j])
		VPINSRQ(Imm(1), Mem{Base: at2}, b[j], b[j])
		if j < buffers-1 {
			ADDQ(stride, at2)
		}
	}
	through(keys, VAESDEC, VAESDECLAST, b...)
	MOVQ(at, at2)
	for j := range b {
		VPEXTRQ(Imm(1), b[j], Mem{Base: at2})
		if j < buffers-1 {
			ADDQ(stride, at2)
		}
		Comment("A alone stays")
		VMOVQ(b[j], b[j])
	}
	DECQ(t)
	SUBQ(Imm(8), at)
	DECQ(i)
	JNZ(LabelRef(name + "Step"))
	DECQ(pass)
	JNZ(LabelRef(name + "Pass"))
	MOVQ(buffer, at2)
	for j := range b {
		VMOVQ(b[j], Mem{Base: at2})
		if j < buffers-1 {
			ADDQ(stride, at2)
		}
	}
	VZEROALL()
	RET()
}
