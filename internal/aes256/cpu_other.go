//go:build !amd64 || purego

package aes256

func assembly() []Path { return nil }

type keys = [ScheduleSize]byte

const noAssembly = "BUG: aes256: this build has no assembly"

func expand(*[32]byte, *keys, *keys)           { panic(noAssembly) }
func expandEncrypt(*[32]byte, *keys)           { panic(noAssembly) }
func encryptBlock(*keys, *[16]byte, *[16]byte) { panic(noAssembly) }
