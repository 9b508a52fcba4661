package kmip_test

import (
	"crypto/rand"
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// TestDestroyedKeyIsToldFromUnknownOne: a server that has destroyed the key finds no object by
// its name any more. It still says that it is destroyed, where it is asked for that.
func TestDestroyedKeyIsToldFromUnknownOne(t *testing.T) {
	a := newAuthority(t)
	own := a.client("facility")
	addr, stop := serve(t, a)
	defer stop()
	cfg := kmip.Config{Addr: addr, Clock: time.Now, Timeout: 20 * time.Second, TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}}}
	for _, x := range []struct {
		name  string
		why   kmip.RevocationReason // 0: it is not revoked
		state encgroup.KeyState
	}{
		{"destroyed", 0, encgroup.KeyDestroyed},
		{"compromised before", kmip.RevokedKeyCompromise, encgroup.KeyDestroyedCompromised},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := kmip.NewKeyServer("vinz", cfg, kmip.Profile{Entropy: rand.Reader})
			name, err := k.Create(x.name)
			require.NoError(t, err)
			c, err := kmip.Dial(cfg)
			require.NoError(t, err)
			defer c.Close()
			found, err := c.Locate(0, kmip.NameOf(name))
			require.NoError(t, err)
			require.Len(t, found, 1)
			if x.why != 0 {
				require.NoError(t, c.Revoke(found[0], x.why, "", time.Time{}))
			}
			require.NoError(t, c.Destroy(found[0]))

			_, err = k.Get(name)
			require.Equal(t, kmip.FaultDestroyed.String(), kmip.FaultOf(err).String(), "%v", err)
			require.ErrorIs(t, err, encgroup.ErrNoKey)
			require.ErrorContains(t, err, "the key is destroyed at the server")
			life, ok := k.Life(name)
			require.True(t, ok)
			require.Equal(t, x.state, life.State)
			require.False(t, life.Told.IsZero(), "with the time at which it was learned")

			_, err = k.Get(name + " of another")
			require.Equal(t, kmip.FaultNoKey.String(), kmip.FaultOf(err).String(), "what the server never had is no destroyed key")
			_, ok = k.Life(name + " of another")
			require.False(t, ok)
		})
	}
}
