package raslab

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// answering is a key server of the customer's own whose answers go wrong.
type answering struct {
	*encgroup.MemKeyServer
	err *error // of each Get; nil: the key
}

func (a answering) Get(uid string) (*secret.Key32, error) {
	if *a.err != nil {
		return nil, *a.err
	}
	return a.MemKeyServer.Get(uid)
}

// TestServerThatAnswersOtherwise: a server with a wrong answer is not a silent server. The code
// follows from the answer, and the event says what was wrong.
func TestServerThatAnswersOtherwise(t *testing.T) {
	for _, c := range []struct {
		err         error
		iml, period string
	}{
		{encgroup.ErrAnswer, "BE14E011", "BE14EA11"},
		{encgroup.ErrRefused, "BE14E011", "BE14EA11"},
		{encgroup.ErrNoKey, "BE14E011", "BE14EA11"},
		{encgroup.ErrWrongKey, "BE14E012", "BE14EA12"},
		{encgroup.ErrUnwrap, "BE14E012", "BE14EA12"},
		{encgroup.ErrProtocol, "BE14E0F1", "BE14EAF3"},
		{encgroup.ErrTimeout, "BE14E0F1", "BE14EAF3"},
		{encgroup.ErrUntrusted, "BE14E0F1", "BE14EAF3"},
		{encgroup.ErrUnreachable, "BE14E008", "BE14EAF3"},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			var bad [2]error
			var cluster *encgroup.MemCluster
			l := encrypted(t, Options{Dial: func(m KeyManagerInfo) encgroup.KeyServer {
				if cluster == nil {
					var err error
					cluster, err = encgroup.NewMemCluster(entropy.Stream(1, "customer"), "vinz", "zuul")
					require.NoError(t, err)
				}
				s, err := cluster.Server([]string{"vinz", "zuul"}[m.ID-1])
				require.NoError(t, err)
				return answering{s, &bad[m.ID-1]}
			}})
			bad[1] = fmt.Errorf("%w: as it says itself", c.err)
			l.RetrieveKeys()
			require.Equal(t, []string{"BE14CFEA", c.period}, openCodes(l))
			e := openEvent(t, l, c.period)
			require.Contains(t, fmt.Sprint(e), c.err.Error()+": as it says itself")

			bad[0] = bad[1]
			_, err := l.PowerCycle()
			require.NoError(t, err)
			require.Contains(t, openCodes(l), c.iml)
			require.Contains(t, fmt.Sprint(openEvent(t, l, c.iml)), "as it says itself")
		})
	}
}

// TestConfigureComparesWithWhatWasRegistered: two servers that agree on a wrong key have not kept
// the one that was registered.
func TestConfigureComparesWithWhatWasRegistered(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	both(onHost(func(h *customer.KeyServer) { h.BreakMemory(true) }))(t, l)
	r, err := l.ConfigureGroup(1)
	require.NoError(t, err)
	require.True(t, r.Failed)
	require.Contains(t, fmt.Sprint(r), encgroup.ErrWrongKey.Error())
	require.NotEqual(t, encgroup.Accessible, l.keys.Group(1).State())
	both(onHost(func(h *customer.KeyServer) { h.BreakMemory(false) }))(t, l)
	ok(t, l)(l.ConfigureGroup(1))
	before := dataKeyOf(l)

	both(onHost(func(h *customer.KeyServer) { h.BreakMemory(true) }))(t, l)
	r, err = l.RekeyDataKey(1)
	require.NoError(t, err)
	require.True(t, r.Failed, "nor is one of them taken in exchange")
	require.Equal(t, before, dataKeyOf(l))
}
