package campaign

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// TestMetrics: what a state says is what is served, and it stops with its context.
func TestMetrics(t *testing.T) {
	s := &State{ID: "0123456789ab", Report: campaign.NewReport(), Workers: map[string]*Worker{"a": {Units: 5}}, Rate: 2.5}
	s.Report.Merged, s.Report.Endings["unsafe"] = 3, 2
	var m Metrics
	m.Take(s)
	ctx, cancel := context.WithCancel(t.Context())
	at, over := make(chan string, 1), make(chan error, 1)
	go func() { over <- m.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { at <- a.String() }) }()
	r, err := http.Get("http://" + <-at + "/metrics")
	require.NoError(t, err)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	for _, line := range []string{
		`fdelab_campaign_jobs_total{campaign="0123456789ab"} 3`, `fdelab_campaign_failures_total{campaign="0123456789ab"} 2`,
		`fdelab_campaign_ended_total{campaign="0123456789ab",ending="unsafe"} 2`, `fdelab_campaign_worker_total{campaign="0123456789ab",worker="a"} 5`,
		`fdelab_campaign_rate{campaign="0123456789ab"} 2.5`,
	} {
		require.Contains(t, string(text), line)
	}
	cancel()
	require.NoError(t, <-over)
}
