package erase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAForeignTextIsQuotedUpToItsFortiethByte(t *testing.T) {
	short := strings.Repeat("x", 40)
	for in, want := range map[string]string{"": "", short: short, short + "y": short + "...", short + short: short + "..."} {
		require.Equal(t, want, clip(in))
	}
}
