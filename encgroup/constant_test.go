package encgroup

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// giver is a key server that gives one key, whatever it is asked for.
type giver struct {
	id  string
	key *secret.Key32
}

func (g giver) ID() string                        { return g.id }
func (g giver) Create(string) (string, error)     { return "uid", nil }
func (g giver) Get(string) (*secret.Key32, error) { return g.key.Clone(), nil }

// TestConstantKeyEnablesNothing: servers that agree on a key that is none are not believed, at the
// first data key and at its exchange.
func TestConstantKeyEnablesNothing(t *testing.T) {
	for _, b := range []byte{0, 1, 0xff} {
		bad := secret.Take32(bytes.Repeat([]byte{b}, 32))
		var w wipes
		g := New([]KeyServer{w.server(giver{"vinz", bad}), w.server(giver{"zuul", bad})}, entropy.Stream(1, "group"), &MemStore{})
		err := g.Configure("label")
		require.ErrorIs(t, err, ErrConstant)
		require.Equal(t, Configuring, g.State())
		w.requireZero(t)

		good := secret.Take32(append(bytes.Repeat([]byte{b}, 31), b+1))
		g.SetServers([]KeyServer{giver{"vinz", good}, giver{"zuul", good}})
		require.NoError(t, g.Configure("label"), "one byte that differs, and it may be a key")
		g.rec.UID = "another uid" // so that the next one is new
		g.SetServers([]KeyServer{giver{"vinz", bad}, giver{"zuul", bad}})
		_, err = g.RekeyDataKey()
		require.ErrorIs(t, err, ErrConstant)
		require.Equal(t, Accessible, g.State())
	}
}
