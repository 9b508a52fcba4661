//go:build !linux

package campaign

import (
	"fmt"
	"os"
)

// CanLimit says whether this machine can limit the memory of a program. The error wraps ErrLimits.
func CanLimit() error { return fmt.Errorf("campaign: %w", ErrLimits) }

// Launch does nothing here: no worker runs programs.
func Launch() {}

func endMarked(string) {}

func usedBy(string) map[string]used { return nil }

type ownFolder struct {
	path string
	root *os.Root
}

func newOwnFolder() (*ownFolder, error) { return nil, fmt.Errorf("campaign: %w", ErrLimits) }

func (*ownFolder) remove() error { return nil }

func (*ownFolder) removeAll(string) error { return nil }

func removeLeft(func(string, ...any)) {}
