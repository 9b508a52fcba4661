package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// polynomial is x^128 = x^7 + x^2 + x + 1 (IEEE 1619 section 5.2).
const polynomial = 0x87

const signature = "func(keys, tweakKeys *[240]byte, lba uint64, dst, src *byte, blocks int)"

// firstTweak is the encrypted sector number, 16 bytes little endian (IEEE 1619 section 5.1).
func firstTweak() VecVirtual {
	keys := Load(Param("tweakKeys"), GP64())
	lba := Load(Param("lba"), GP64())
	t := XMM()
	VMOVQ(lba, t)
	through(keys, VAESENC, VAESENCLAST, t)
	return t
}

// evex adds an instruction with 512-bit operands that avo does not know (VAES, VPCLMULQDQ): its
// last operand is the result.
func evex(opcode string, ops ...Op) {
	Instruction(&ir.Instruction{Opcode: opcode, Operands: ops, Inputs: ops[:len(ops)-1], Outputs: ops[len(ops)-1:], ISA: []string{"AVX512F", "VAES", "VPCLMULQDQ"}})
}

// rounds512 is a step on four blocks at a time.
func rounds512(opcode string) step {
	return func(key, in, out Op) { evex(opcode, key, in, out) }
}

func quads(name string, values ...uint64) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i, v := range values {
		DATA(8*i, U64(v))
	}
	return m
}

// reduced adds to out what left the block, which is in over, times the polynomial.
func reduced(out, reduce, over VecVirtual) {
	evex("VPCLMULQDQ", Imm(0), reduce, over, over)
	VPXORQ(over, out, out)
}

// finish makes shifted ^ (carry between the halves) ^ (what left the block, reduced) of a
// product whose quadwords were shifted apart.
func finish(out, reduce, over VecVirtual) {
	carry := ZMM()
	VPSLLDQ(Imm(8), over, carry)
	VPXORQ(carry, out, out)
	VPSRLDQ(Imm(8), over, over)
	reduced(out, reduce, over)
}

// firstTweaks are those of the first sixteen blocks, four a register.
func firstTweaks(tweak VecVirtual, left, right Mem, reduce, over VecVirtual) (t [4]VecVirtual) {
	for i := range t {
		t[i] = ZMM()
	}
	Comment("The four lanes of the first register: tweak times x^0, x^1, x^2, x^3")
	base, shifts := ZMM(), ZMM()
	VSHUFI64X2(Imm(0), tweak.AsZ(), tweak.AsZ(), base)
	VMOVDQU64(left, shifts)
	VPSLLVQ(shifts, base, t[0])
	VMOVDQU64(right, shifts)
	VPSRLVQ(shifts, base, over)
	finish(t[0], reduce, over)
	for i := 1; i < 4; i++ {
		Comment("times x^4")
		VPSLLQ(Imm(4), t[i-1], t[i])
		VPSRLQ(Imm(60), t[i-1], over)
		finish(t[i], reduce, over)
	}
	return t
}

// wide works on sixteen blocks at a time with AVX-512 and VAES: four registers of four blocks.
func wide(name, verb string, enc, last step) {
	left := quads(name+"Left", 0, 0, 1, 1, 2, 2, 3, 3)
	right := quads(name+"Right", 64, 64, 63, 63, 62, 62, 61, 61)
	poly := quads(name+"Poly", polynomial, 0, polynomial, 0, polynomial, 0, polynomial, 0)

	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name+" "+verb+" blocks (a multiple of 16) of 16 bytes, 16 at a time: AVX-512 and VAES.", "dst and src are the same memory or do not overlap.")
	tweak := firstTweak()
	keys := Load(Param("keys"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	count := Load(Param("blocks"), GP64())

	reduce := ZMM()
	VMOVDQU64(poly, reduce)
	var round [rounds + 1]VecVirtual
	for i := range round {
		round[i] = ZMM()
		VBROADCASTI32X4(roundKey(keys, i), round[i])
	}

	over := ZMM()
	t := firstTweaks(tweak, left, right, reduce, over)

	var b [4]VecVirtual
	for i := range b {
		b[i] = ZMM()
	}
	Label(name + "Next")
	for i := range b {
		VPXORQ(Mem{Base: src, Disp: 64 * i}, t[i], b[i])
		VPXORQ(round[0], b[i], b[i])
	}
	for r := 1; r < rounds; r++ {
		for i := range b {
			enc(round[r], b[i], b[i])
		}
	}
	for i := range b {
		last(round[rounds], b[i], b[i])
		VPXORQ(t[i], b[i], b[i])
		VMOVDQU64(b[i], Mem{Base: dst, Disp: 64 * i})
	}
	Comment("The next tweaks: times x^16")
	for i := range t {
		VPSRLDQ(Imm(14), t[i], over)
		VPSLLDQ(Imm(2), t[i], t[i])
		reduced(t[i], reduce, over)
	}
	ADDQ(U32(256), src)
	ADDQ(U32(256), dst)
	SUBQ(Imm(16), count)
	JNZ(LabelRef(name + "Next"))
	Comment("No key stays in a register")
	for i := range round {
		VPXORQ(round[i], round[i], round[i])
	}
	VZEROALL()
	RET()
}

// narrow works on eight blocks at a time with AES-NI and AVX. The tweaks lie on the stack: the
// registers hold the blocks. Those of the next eight are made between the rounds, a tweak a round,
// into a second place. A round key is loaded once for eight blocks: with operands in memory the
// loads would take as long as the rounds.
func narrow(name, verb string, enc, last step) {
	mask := quads(name+"Mask", polynomial, 1)

	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name+" "+verb+" blocks (a multiple of 8) of 16 bytes, 8 at a time: AES-NI and AVX.", "dst and src are the same memory or do not overlap.")
	tweak := firstTweak()
	keys := Load(Param("keys"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	count := Load(Param("blocks"), GP64())
	room := AllocLocal(2 * 8 * 16)
	now, next := GP64(), GP64()
	LEAQ(room, now)
	LEAQ(room.Offset(8*16), next)
	d := doubler{tweak: tweak, reduce: XMM(), top: XMM(), over: XMM()}
	VMOVDQU(mask, d.reduce)
	d.begin()
	VMOVDQU(tweak, Mem{Base: now})
	for i := 1; i < 8; i++ {
		d.double(Mem{Base: now, Disp: 16 * i})
	}
	b := make([]VecVirtual, 8)
	for i := range b {
		b[i] = XMM()
	}
	key := XMM()
	Label(name + "Next")
	VMOVDQU(roundKey(keys, 0), key)
	for i := range b {
		VPXOR(Mem{Base: src, Disp: 16 * i}, key, b[i])
		VPXOR(Mem{Base: now, Disp: 16 * i}, b[i], b[i])
	}
	d.begin()
	for r := 1; r < rounds; r++ {
		VMOVDQU(roundKey(keys, r), key)
		for i := range b {
			enc(key, b[i], b[i])
		}
		if r <= 8 {
			d.double(Mem{Base: next, Disp: 16 * (r - 1)})
		}
	}
	VMOVDQU(roundKey(keys, rounds), key)
	for i := range b {
		last(key, b[i], b[i])
		VPXOR(Mem{Base: now, Disp: 16 * i}, b[i], b[i])
		VMOVDQU(b[i], Mem{Base: dst, Disp: 16 * i})
	}
	XCHGQ(now, next)
	ADDQ(U32(128), src)
	ADDQ(U32(128), dst)
	SUBQ(Imm(8), count)
	JNZ(LabelRef(name + "Next"))
	VZEROALL()
	RET()
}

// doubler multiplies a tweak by x, up to 31 times after begin. What leaves a half of the tweak in
// these steps are the top bits that it had at begin, in order: to shift them in a register of
// their own makes the chain from tweak to tweak two instructions long.
type doubler struct{ tweak, reduce, top, over VecVirtual }

// begin takes the upper doubleword of each half, crosswise: what leaves the low half goes to the
// high one, and what leaves the high one is reduced into the low one.
func (d doubler) begin() { VPSHUFD(Imm(0x5f), d.tweak, d.top) }

func (d doubler) double(to Mem) {
	VPSRAD(Imm(31), d.top, d.over)
	VPADDD(d.top, d.top, d.top)
	VPADDQ(d.tweak, d.tweak, d.tweak)
	VPAND(d.reduce, d.over, d.over)
	VPXOR(d.over, d.tweak, d.tweak)
	VMOVDQU(d.tweak, to)
}
