package console

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// located is a key server that knows where the connection ended.
type located struct {
	encgroup.KeyServer
	at string
}

func (s located) Speaks() string           { return "1.4" }
func (s located) Reached() string          { return s.at }
func (s located) Connected() time.Time     { return time.Time{} }
func (s located) Shown() *x509.Certificate { return nil }
func (s located) Greet() error             { return nil }

// Two of three key managers are one server with two names. Two servers are enough for the key
// group, so nothing else reports it.
func TestAServerByTwoNamesIsTold(t *testing.T) {
	cluster, err := encgroup.NewMemCluster(entropy.Stream(1, "customer"), "one", "two")
	require.NoError(t, err)
	s := NewSession(Options{Dial: func(m raslab.KeyManagerInfo) encgroup.KeyServer {
		n := map[int]int{1: 1, 2: 1, 3: 2}[m.ID]
		k, err := cluster.Server([]string{"one", "two"}[n-1])
		require.NoError(t, err)
		return located{k, fmt.Sprintf("203.0.113.%d:5696", n)}
	}})
	var out strings.Builder
	require.NoError(t, s.Run("lab new keyservers=0 drives=16; keymgr make addr=keys.example.com; keymgr make addr=alias.example.com; keymgr make addr=other.example.com; keygrp configure", &out), out.String())
	for id, want := range map[int]string{1: "that of key manager 2", 2: "that of key manager 1: both connections end at 203.0.113.1:5696; the two count as one", 3: ""} {
		out.Reset()
		require.NoError(t, s.Run(fmt.Sprintf("keymgr show keymgr=%d", id), &out))
		if want == "" {
			require.NotContains(t, out.String(), "that of key manager")
			continue
		}
		require.Contains(t, strings.Join(strings.Fields(out.String()), " "), want)
	}
}
