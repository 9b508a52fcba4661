package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One request, one answer, over TLS 1.3 on loopback.
func BenchmarkGet(b *testing.B) {
	r := newRig(b)
	c := r.client("bench")
	uid, err := c.Create(aes()...)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		o, err := c.Get(uid)
		if err != nil {
			b.Fatal(err)
		}
		o.Clear()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "gets/s")
}
