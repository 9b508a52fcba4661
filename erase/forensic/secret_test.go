package forensic

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func TestWhatASecretIs(t *testing.T) {
	k := secret.Key32(noise("secret", 32))
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	for _, c := range []struct {
		s    Secret
		name string
		b    []byte
		root bool
	}{
		{Key("group key", &k), "group key", k[:], false},
		{Root(&k), "root key", k[:], true},
		{PIN("a PIN", short), "a PIN", []byte("1234"), false},
		{PIN("no PIN", drive.PIN{}), "no PIN", nil, false},
	} {
		require.Equal(t, c.name, c.s.Name())
		require.Equal(t, c.root, c.s.root)
		require.False(t, c.s.public)
		require.Len(t, c.s.b, len(c.b))
		require.Equal(t, string(c.b), string(c.s.b))
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			require.Equal(t, c.name+" [secret]", fmt.Sprintf(verb, c.s), verb)
		}
		text, err := json.Marshal(c.s)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%q", c.name+" [secret]"), string(text))
		require.Equal(t, "[secret]", c.s.LogValue().String())
		c.s.Clear()
		require.Equal(t, make([]byte, len(c.b)), append([]byte{}, c.s.b...))
	}
	require.Equal(t, noise("secret", 32), k[:], "the caller's stay")
	require.Equal(t, 4, short.Len())
	require.Equal(t, []byte("1234"), short.Bytes())
}
