package campaign

import "errors"

// ErrLimits is wrapped by CanLimit, and by Work, where this machine cannot limit the memory of a program.
var ErrLimits = errors.New("programs are run where their memory can be limited, which is Linux")

// A program is started by a process of this one's executable: see Launch.
const (
	launchWord = "campaign-launch"
	// markVariable is in the environment of a program and of whoever it starts, and finds those that left its group.
	markVariable = "FDELAB_PROGRAM"
)

// What memory a program can be given, in bytes.
const (
	MemoryMin     = 16 << 20
	MemoryDefault = 512 << 20
)
