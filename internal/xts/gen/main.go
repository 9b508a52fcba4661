// Command gen writes the assembly of packages aes256, xts and keywrap: go run . -what xts -out FILE.
package main

import (
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const rounds = 14 // of AES-256

func main() {
	what := ""
	for i, a := range os.Args {
		if a == "-what" && i+1 < len(os.Args) {
			what = os.Args[i+1]
			os.Args = append(os.Args[:i], os.Args[i+2:]...) // the rest is avo's
			break
		}
	}
	ConstraintExpr("amd64,!purego")
	switch what {
	case "aes256":
		expand("expand", true)
		expand("expandEncrypt", false)
		block()
	case "xts":
		wide("encryptVAES", "encrypts", rounds512("VAESENC"), rounds512("VAESENCLAST"))
		wide("decryptVAES", "decrypts", rounds512("VAESDEC"), rounds512("VAESDECLAST"))
		narrow("encryptAESNI", "encrypts", VAESENC, VAESENCLAST)
		narrow("decryptAESNI", "decrypts", VAESDEC, VAESDECLAST)
	case "keywrap":
		wrap()
		unwrap()
		unwrapEight()
	default:
		fmt.Fprintln(os.Stderr, "gen: -what is one of aes256, xts, keywrap")
		os.Exit(2)
	}
	Generate()
}

// step is an instruction of one AES round: VAESENC and its like.
type step func(key, in, out Op)

// roundKey is the i-th round key in memory.
func roundKey(base Register, i int) Mem { return Mem{Base: base, Disp: 16 * i} }

// expand writes the key schedule of FIPS 197 section 5.2 and, where it is asked for, that of the
// equivalent inverse cipher (section 5.3.5) in the order in which VAESDEC takes it.
func expand(name string, decrypts bool) {
	signature := "func(key *[32]byte, enc *[240]byte)"
	if decrypts {
		signature = "func(key *[32]byte, enc, dec *[240]byte)"
	}
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " writes the round keys of AES-256.")
	key := Load(Param("key"), GP64())
	enc := Load(Param("enc"), GP64())
	var dec Register
	if decrypts {
		dec = Load(Param("dec"), GP64())
	}
	even, odd, mix, shifted := XMM(), XMM(), XMM(), XMM()
	write := func(i int, k VecVirtual) {
		VMOVDQU(k, roundKey(enc, i))
		switch {
		case !decrypts:
		case i == 0 || i == rounds:
			VMOVDQU(k, roundKey(dec, rounds-i))
		default:
			VAESIMC(k, mix)
			VMOVDQU(mix, roundKey(dec, rounds-i))
		}
	}
	fold := func(into VecVirtual) { // into ^= into<<32 ^ into<<64 ^ into<<96 ^ mix
		VMOVDQA(into, shifted)
		for range 3 {
			VPSLLDQ(Imm(4), shifted, shifted)
			VPXOR(shifted, into, into)
		}
		VPXOR(mix, into, into)
	}
	VMOVDQU(Mem{Base: key}, even)
	VMOVDQU(Mem{Base: key, Disp: 16}, odd)
	write(0, even)
	write(1, odd)
	for i, rcon := 2, uint8(1); i <= rounds; i, rcon = i+2, rcon<<1 {
		VAESKEYGENASSIST(Imm(uint64(rcon)), odd, mix)
		VPSHUFD(Imm(0xff), mix, mix)
		fold(even)
		write(i, even)
		if i == rounds {
			break
		}
		VAESKEYGENASSIST(Imm(0), even, mix)
		VPSHUFD(Imm(0xaa), mix, mix)
		fold(odd)
		write(i+1, odd)
	}
	VZEROALL()
	RET()
}

// through runs blocks through the cipher. For one block the round keys are operands in memory; for
// several each is loaded once, since the loads would take as long as the rounds.
func through(keys Register, enc, last step, blocks ...VecVirtual) {
	key := func(i int) Op { return roundKey(keys, i) }
	if len(blocks) > 1 {
		loaded := XMM()
		key = func(i int) Op {
			VMOVDQU(roundKey(keys, i), loaded)
			return loaded
		}
	}
	k := key(0)
	for _, b := range blocks {
		VPXOR(k, b, b)
	}
	for i := 1; i < rounds; i++ {
		k = key(i)
		for _, b := range blocks {
			enc(k, b, b)
		}
	}
	k = key(rounds)
	for _, b := range blocks {
		last(k, b, b)
	}
}

func block() {
	TEXT("encryptBlock", NOSPLIT, "func(enc *[240]byte, dst, src *[16]byte)")
	Pragma("noescape")
	Doc("encryptBlock encrypts one block.")
	enc := Load(Param("enc"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	b := XMM()
	VMOVDQU(Mem{Base: src}, b)
	through(enc, VAESENC, VAESENCLAST, b)
	VMOVDQU(b, Mem{Base: dst})
	VZEROALL()
	RET()
}
