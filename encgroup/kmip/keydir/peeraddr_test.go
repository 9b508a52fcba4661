package keydir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server alone has no peer; one that Join made has, and one that ran with a peer knows its
// address.
func TestPeerOf(t *testing.T) {
	alone := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(alone, CA+".key"), nil, 0o600))
	_, paired := PeerOf(alone)
	require.False(t, paired)
	for _, addr := range []string{"127.0.0.1:5697", "keys2.example:5696"} {
		require.NoError(t, NotePeer(alone, addr))
		require.NoError(t, NotePeer(alone, addr))
		have, paired := PeerOf(alone)
		require.True(t, paired)
		require.Equal(t, addr, have)
	}
	have, paired := PeerOf(t.TempDir())
	require.True(t, paired, "the authority's key is with the first server")
	require.Empty(t, have)
}
