//go:build !amd64 || purego

package aes256

func assembly() []Path { return nil }

func expand(*[32]byte, *[ScheduleSize]byte, *[ScheduleSize]byte) {
	panic("BUG: aes256: this build has no assembly")
}
