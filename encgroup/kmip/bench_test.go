package kmip_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// BenchmarkGet is one client, one connection, one question and one answer at a
// time, on loopback: against our server and, where it is installed, PyKMIP's.
func BenchmarkGet(b *testing.B) {
	b.Run("server=fdelab", func(b *testing.B) {
		a := newAuthority(b)
		own := a.client("facility")
		addr, stop := serve(b, a)
		defer stop()
		benchGet(b, kmip.Config{
			Addr: addr, Clock: time.Now,
			TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}},
		})
	})
	b.Run("server=PyKMIP", func(b *testing.B) {
		cfg, _ := pykmipServer(b)
		benchGet(b, cfg)
	})
}

func benchGet(b *testing.B, cfg kmip.Config) {
	c, err := kmip.Dial(cfg)
	require.NoError(b, err)
	defer c.Close()
	uid, err := c.Register(secretOf(1), kmip.NameOf("bench"), kmip.UsageOf(0))
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

// BenchmarkRegister waits for the disk each time.
func BenchmarkRegister(b *testing.B) {
	a := newAuthority(b)
	own := a.client("facility")
	addr, stop := serve(b, a)
	defer stop()
	c, err := kmip.Dial(kmip.Config{
		Addr: addr, Clock: time.Now,
		TLS: &tls.Config{RootCAs: a.ca.Pool(), Certificates: []tls.Certificate{own.TLS()}},
	})
	require.NoError(b, err)
	defer c.Close()
	for b.Loop() {
		if _, err := c.Register(secretOf(1)); err != nil {
			b.Fatal(err)
		}
	}
}
