//go:build amd64 && !purego

package aes256

import "golang.org/x/sys/cpu"

// assembly lists the paths in assembly whose instructions the processor has and whose registers
// the operating system keeps: x/sys/cpu asks XGETBV for both (Intel SDM volume 1, sections 14.3
// and 15.2).
func assembly() (have []Path) {
	x := &cpu.X86
	if !x.HasAES || !x.HasAVX {
		return nil
	}
	have = []Path{AESNI}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VAES && x.HasAVX512VPCLMULQDQ {
		have = append(have, VAES)
	}
	return have
}
