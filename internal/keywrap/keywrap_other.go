//go:build !amd64 || purego

package keywrap

import "github.com/seed-9d983aeb/fdelab/internal/aes256"

type keys = [aes256.ScheduleSize]byte

const noAssembly = "BUG: keywrap: this build has no assembly"

func wrap(*keys, *byte, int)        { panic(noAssembly) }
func unwrap(*keys, *byte, int)      { panic(noAssembly) }
func unwrapEight(*keys, *byte, int) { panic(noAssembly) }
