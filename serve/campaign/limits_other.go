//go:build !linux

package campaign

import "fmt"

// CanLimit says whether this machine can limit the memory of a program. The error wraps ErrLimits.
func CanLimit() error { return fmt.Errorf("campaign: %w", ErrLimits) }

// Launch does nothing here: no worker runs programs.
func Launch() {}

func endMarked(string) {}

func usedBy(string) map[string]used { return nil }
