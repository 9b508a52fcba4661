//go:build unix

package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// cluster is three servers in processes of their own.
type cluster struct {
	t       *testing.T
	url     string // of all
	members map[string]*process
	words   map[string][]string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, members: map[string]*process{}, words: map[string][]string{}}
	var urls, routes, ports []string
	for range 3 {
		urls = append(urls, "nats://127.0.0.1:"+freePort(t))
		ports = append(ports, freePort(t))
		routes = append(routes, "nats://127.0.0.1:"+ports[len(ports)-1])
	}
	c.url = strings.Join(urls, ",")
	for i, u := range urls {
		name := fmt.Sprint("member", i)
		c.words[name] = []string{"server", u[strings.LastIndex(u, ":")+1:], t.TempDir(), name, ports[i], strings.Join(routes, ",")}
		c.begin(name)
	}
	for name, m := range c.members {
		require.Equal(t, "ready", m.says(t, "ready"), name)
	}
	return c
}

func (c *cluster) begin(name string) { c.members[name] = begins(c.t, c.words[name]...) }

// leader is the member that leads a stream, once there is one and all three have all of it; peers are the others.
func (c *cluster) leader(nc *nats.Conn, stream string) (leader string, peers []string) {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		require.Less(c.t, time.Since(began), 4*time.Minute, "the stream has a leader and two that follow")
		s, err := streams(nc).Stream(c.t.Context(), stream)
		if err != nil {
			continue
		}
		of := s.CachedInfo().Cluster
		leader, peers = of.Leader, nil
		for _, p := range of.Replicas {
			if p.Current {
				peers = append(peers, p.Name)
			}
		}
		if leader != "" && len(peers) == 2 {
			return leader, peers
		}
	}
}

// merged is how many jobs are in the report. The stream of the state has a leader of its own, which may have been killed.
func (c *cluster) merged(nc *nats.Conn, id string) uint64 {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		state, err := Read(c.t.Context(), nc, id)
		if err == nil {
			return state.Report.Merged
		}
		require.Less(c.t, time.Since(began), 4*time.Minute, err)
	}
}

// TestClusterThatLosesServers: on a cluster the streams have three replicas. A member that follows is killed in the middle of a
// campaign and started again, and then the one that leads, which stays away: the report is that of one undisturbed process.
func TestClusterThatLosesServers(t *testing.T) {
	t.Parallel()
	const text = "drive lifecycles=600 each=10\nlimit generation=16"
	one := report(t, text, 1, 0, (*campaign.Job).Run)
	servers := newCluster(t)
	nc, err := Outside{URL: servers.url, Name: "test"}.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) { // the members elect one who makes streams
		if _, err := streams(nc).AccountInfo(t.Context()); err == nil {
			break
		}
		require.Less(t, time.Since(began), 4*time.Minute)
	}
	coordinates := begins(t, "run", servers.url, text)
	require.NotEmpty(t, coordinates.says(t, "merged"))
	gate := filepath.Join(t.TempDir(), "gate")
	var workers []*process
	for range 2 {
		workers = append(workers, begins(t, "work", servers.url, "", gate))
	}

	_, follow := servers.leader(nc, jobsStream)
	require.NotEmpty(t, workers[0].says(t, "begins"))
	servers.members[follow[0]].kill()
	servers.begin(follow[0])
	require.NotEmpty(t, workers[1].says(t, "begins"))
	leads, _ := servers.leader(nc, jobsStream)
	require.LessOrEqual(t, servers.merged(nc, plan(t, text).ID()), uint64(gated), "the campaign is in its middle")
	servers.members[leads].kill()
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.JSONEq(t, one, strings.TrimPrefix(coordinates.says(t, "report"), "report "))
}
