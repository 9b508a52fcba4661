package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeysNeverShowThemselves(t *testing.T) {
	var k32 Key32
	var k64 Key64
	for i := range k32 {
		k32[i] = 0xA5
	}
	for i := range k64 {
		k64[i] = 0xA5
	}
	type holder struct {
		A Key32
		B *Key64
	}
	h := holder{k32, &k64}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "k", k32, "p", &k64)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", k64, "p", &k32)
	j, err := json.Marshal(h)
	require.NoError(t, err)
	all := log.String() + string(j)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		all += fmt.Sprintf(verb, k32) + fmt.Sprintf(verb, k64) + fmt.Sprintf(verb, &k32) + fmt.Sprintf(verb, &k64)
		all += fmt.Sprintf(verb, h.A) + fmt.Sprintf(verb, h)
	}
	require.NotContains(t, all, hex.EncodeToString([]byte{0xA5, 0xA5}), "a key printed as hexadecimal")
	require.NotContains(t, all, "A5A5", "a key printed as hexadecimal")
	require.NotContains(t, all, "165", "a key printed as decimals")
	require.NotContains(t, all, "paWl", "a key printed as base64")
	require.Contains(t, all, Redacted)
}

func TestClearAndEqual(t *testing.T) {
	a, b := Key32{1}, Key32{1}
	require.True(t, a.Equal(&b))
	b[31] = 1
	require.False(t, a.Equal(&b))
	a.Clear()
	require.Equal(t, [32]byte{}, [32]byte(a))
	c, d := Key64{1}, Key64{1}
	require.True(t, c.Equal(&d))
	c.Clear()
	require.False(t, c.Equal(&d))
	require.Equal(t, [64]byte{}, [64]byte(c))
}
