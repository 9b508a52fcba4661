//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCampaignTraces: --otlp of run sends traces below the URL, and what is printed is what is printed without.
func TestCampaignTraces(t *testing.T) {
	t.Parallel()
	var came, elsewhere atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/under/v1/traces" && r.Header.Get("Content-Type") == "application/x-protobuf" {
			came.Add(1)
		} else {
			elsewhere.Add(1)
		}
	}))
	defer collector.Close()
	const plan = "drive lifecycles=8 each=2\n"
	_, without := campaigns(t, plan)
	want := outputOf(t, without("run", "a.plan"))
	require.Zero(t, came.Load())
	_, fdelab := campaigns(t, plan)
	require.Equal(t, want, outputOf(t, fdelab("run", "a.plan", "--otlp", collector.URL+"/under")))
	require.Positive(t, came.Load())
	require.Zero(t, elsewhere.Load())
}
