package customer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// kmipTo is the KMIP service of a machine of the site, as a console reaches it.
func kmipTo(t testing.TB, s *Site) Exchange {
	t.Helper()
	c, err := s.Dial(1, "keyserver1.example.com", PortKMIP)
	require.NoError(t, err)
	e, err := c.KMIP()
	require.NoError(t, err)
	return e
}

func dataKey() *kmip.Object {
	return &kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: []byte("a data key of a facility, 32 byte")[:32]}
}

// TestAKeyOverKMIP: what is registered is given back by every machine, through its memory, until it
// is destroyed.
func TestAKeyOverKMIP(t *testing.T) {
	s := newSite(t)
	c := kmip.Over("k", kmipTo(t, s))
	v, err := c.Negotiate()
	must(t, err)
	require.Equal(t, kmip.V14, v)
	uid, err := c.Register(dataKey(), kmip.NameOf("key group 1"))
	must(t, err)
	o, err := c.Get(uid)
	must(t, err)
	require.Equal(t, dataKey().Material, o.Material)
	k := s.servers[0]
	k.BreakMemory(true)
	o, err = c.Get(uid)
	must(t, err)
	require.NotEqual(t, dataKey().Material, o.Material)

	d := DataKey{Of: "key group 1", UID: uid}
	must(t, k.SetKeyState(d, KeyDestroy, 0))
	_, err = c.Get(uid)
	require.Equal(t, kmip.FaultDestroyed, kmip.FaultOf(err))
	life, err := c.Life(uid)
	must(t, err)
	require.Equal(t, encgroup.KeyDestroyed, life.State)
	_, err = c.Get("another")
	require.ErrorIs(t, err, encgroup.ErrNoKey)
	_, err = s.servers[1].mem.Get(uid)
	must(t, err)
}

// TestTheVersionOfAProduct is found by asking.
func TestTheVersionOfAProduct(t *testing.T) {
	s := newSite(t)
	for p, newest := range kmipNewest {
		must(t, s.servers[0].Install(p))
		v, err := kmip.Over("k", kmipTo(t, s)).Negotiate()
		must(t, err)
		require.Equal(t, newest, v.String(), p)
	}
}

// TestWhatIsNoRequest is refused in a message, and changes nothing.
func TestWhatIsNoRequest(t *testing.T) {
	s := newSite(t)
	e := kmipTo(t, s)
	for _, b := range [][]byte{nil, []byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, 64)} {
		answer, err := e(b)
		must(t, err)
		p, err := kmip.ParseResponse(answer, ttlv.Limits{})
		must(t, err)
		require.Equal(t, kmip.OperationFailed, p.Items[0].Status)
		require.Equal(t, kmip.InvalidMessage, p.Items[0].Reason)
	}
	c := kmip.Over("k", e)
	_, err := c.Locate(0, kmip.NameOf("key group 1"))
	require.ErrorIs(t, err, &kmip.Failure{Reason: kmip.OperationNotSupported})
	short := dataKey()
	short.Material = short.Material[:16]
	_, err = c.Register(short, kmip.NameOf("key group 1"))
	require.ErrorIs(t, err, &kmip.Failure{Reason: kmip.InvalidField})
	require.Empty(t, s.servers[0].mem.Keys())
}

// TestTheWayBreaks: what the network answers is no answer of the server.
func TestTheWayBreaks(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		hurt func()
		want error
	}{{s.servers[0].mem.Stall, encgroup.ErrTimeout}, {s.servers[0].mem.Unplug, encgroup.ErrUnreachable}} {
		e := kmipTo(t, s)
		c.hurt()
		_, err := kmip.Over("k", e).Negotiate()
		require.Equal(t, c.want, err)
	}
}

// TestNoAnswerStaysBehind: the client overwrites the message that held the key.
func TestNoAnswerStaysBehind(t *testing.T) {
	s := newSite(t)
	e := kmipTo(t, s)
	var answers [][]byte
	c := kmip.Over("k", func(q []byte) ([]byte, error) {
		a, err := e(q)
		answers = append(answers, a)
		return a, err
	})
	uid, err := c.Register(dataKey())
	must(t, err)
	o, err := c.Get(uid)
	must(t, err)
	key := secret.Take32(o.Material)
	defer key.Clear()
	require.Contains(t, string(answers[1]), string(key[:]))
	must(t, c.Close())
	require.Equal(t, make([]byte, len(answers[1])), answers[1])
}

func BenchmarkDataKey(b *testing.B) {
	s := newSite(b)
	uid, err := kmip.Over("k", kmipTo(b, s)).Register(dataKey())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		c := kmip.Over("k", kmipTo(b, s))
		if _, err := c.Negotiate(); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Get(uid); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Life(uid); err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
