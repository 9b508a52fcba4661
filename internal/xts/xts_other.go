//go:build !amd64 || purego

package xts

import "github.com/seed-9d983aeb/fdelab/internal/aes256"

type keys = [aes256.ScheduleSize]byte

const noAssembly = "BUG: xts: this build has no assembly"

func encryptVAES(*keys, *keys, uint64, *byte, *byte, int)  { panic(noAssembly) }
func decryptVAES(*keys, *keys, uint64, *byte, *byte, int)  { panic(noAssembly) }
func encryptAESNI(*keys, *keys, uint64, *byte, *byte, int) { panic(noAssembly) }
func decryptAESNI(*keys, *keys, uint64, *byte, *byte, int) { panic(noAssembly) }
