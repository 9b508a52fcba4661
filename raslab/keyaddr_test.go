package raslab

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// TestOneServerByTwoNames: two entries of one server count once.
func TestOneServerByTwoNames(t *testing.T) {
	l := newLab(t, Options{Drives: 16, KeyServers: 1})
	for _, addr := range []string{"192.0.2.11", "KEYSERVER1.example.com", "keyserver1.example.com.", "::ffff:192.0.2.11"} {
		_, err := l.MakeKeyManager(KeyManagerRequest{Addr: addr})
		require.ErrorContains(t, err, "key manager 1 is")
	}
	for _, twice := range []string{"keys.example.com.", "Keys.example.com"} {
		_, err := l.MakeKeyManager(KeyManagerRequest{Addr: "keys.example.com", KeyGroup: 2})
		require.NoError(t, err)
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: twice, KeyGroup: 2})
		require.ErrorContains(t, err, "a key group has each server once")
		require.NoError(t, l.RemoveKeyManager(2))
	}
	one, err := l.MakeKeyManager(KeyManagerRequest{Addr: "keys.example.com", KeyGroup: 2})
	require.NoError(t, err)
	two, err := l.MakeKeyManager(KeyManagerRequest{Addr: "keys.example.com", KeyGroup: 2, Port: 5697})
	require.NoError(t, err, "two ports of a host are two servers")
	_, err = l.ChangeKeyManager(two.ID, KeyManagerChange{Port: &one.Port})
	require.ErrorContains(t, err, "both are keys.example.com:5696", "and a change does not make them one")
}

// TestTwoPortsOfOneHost: a data key is read back from the server on the other port.
func TestTwoPortsOfOneHost(t *testing.T) {
	cluster, err := encgroup.NewMemCluster(entropy.Stream(1, "customer"), "5696", "5697")
	require.NoError(t, err)
	var none [2]error
	l := newLab(t, Options{Drives: 16, KeyServers: -1, Dial: func(m KeyManagerInfo) encgroup.KeyServer {
		s, err := cluster.Server(fmt.Sprint(m.Port))
		require.NoError(t, err)
		return answering{s, &none[m.Port-5696]}
	}})
	for port := 5696; port <= 5697; port++ {
		_, err := l.MakeKeyManager(KeyManagerRequest{Addr: "keys.example.com", Port: port})
		require.NoError(t, err)
	}
	ok(t, l)(l.ConfigureGroup(1))
	require.Len(t, l.serversOf(1), 2)
}

// TestWithoutAConsoleNoNameIsAskedFor: the name service is reached through a management console.
// Without one that works two names of a server are two servers, until one is back.
func TestWithoutAConsoleNoNameIsAskedFor(t *testing.T) {
	l := newLab(t, Options{KeyServers: 1})
	for n := 1; n <= 2; n++ {
		must(t, l.PowerConsole(n, false))
	}
	ip := l.customer.KeyServers()[0].IP
	_, err := l.MakeKeyManager(KeyManagerRequest{Addr: ip, KeyGroup: 1})
	must(t, err)
	must(t, l.RemoveKeyManager(2))
	must(t, l.PowerConsole(1, true))
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: ip, KeyGroup: 1})
	require.ErrorContains(t, err, "both are at "+ip)
}
