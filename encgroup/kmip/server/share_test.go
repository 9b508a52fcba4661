package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// TestOneClientLeavesPlaces: however many connections one client opens, others get in; it is
// told that there is a shortage, and has a place again when one of its connections goes.
func TestOneClientLeavesPlaces(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.MaxConns, c.MaxConnsEach = 8, 2 })
	greedy := [2]*kmip.Client{r.client("greedy"), r.client("greedy")}
	for _, c := range greedy {
		_, err := c.Query(kmip.QueryOperations) // when it is answered, it has its place
		require.NoError(t, err)
	}
	for range 8 {
		c := r.raw("greedy")
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		p := r.answer(c)
		refused(t, kmip.GeneralFailure, p.Items[0].Err(), "it is no fault of the message")
		require.Contains(t, p.Items[0].Message, "this client has 2 connections already")
	}
	_, err := r.client("other").Query(kmip.QueryOperations)
	require.NoError(t, err, "another client is served as ever")
	require.NotContains(t, r.log.String(), "BUG")
	require.NoError(t, greedy[0].Close())
	require.Eventually(t, func() bool {
		c, err := kmip.Dial(r.config("greedy"))
		if err != nil {
			return false
		}
		defer c.Close()
		_, err = c.Query(kmip.QueryOperations)
		return err == nil
	}, time.Minute, 20*time.Millisecond)
}

// TestOneClientLeavesRoom: the large requests of one client do not take the room of others.
func TestOneClientLeavesRoom(t *testing.T) {
	r := newRig(t, func(c *server.Config) { c.MaxHeld, c.MaxHeldEach = 256<<10, 96<<10 })
	large := append([]byte{0x42, 0x00, 0x78, 1, 0, 0, 0xe0, 0}, make([]byte, 56<<10)...)
	attrs := []kmip.Attribute{kmip.TextOf("x-big", strings.Repeat("x", 50<<10))}
	register := func(who string) error {
		c, err := kmip.Dial(r.config(who))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Register(password(1), attrs...)
		return err
	}
	var hold []net.Conn
	require.Eventually(t, func() bool {
		c := r.raw("greedy")
		hold = append(hold, c)
		_, err := c.Write(large[:50<<10])
		require.NoError(t, err)
		return errors.Is(register("greedy"), &kmip.Failure{Reason: kmip.GeneralFailure})
	}, time.Minute, 10*time.Millisecond, "its own room is full")
	require.NoError(t, register("other"), "that of others is not")
	for _, c := range hold {
		_ = c.Close()
	}
	require.Eventually(t, func() bool { return register("greedy") == nil }, time.Minute, 10*time.Millisecond, "what was held is given back")
}

// TestCertificateThatIsRefused: at the handshake, and on a connection that is open.
func TestCertificateThatIsRefused(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			var on atomic.Bool
			r := newRig(t, func(c *server.Config) {
				c.Refuse = func(cert *x509.Certificate) error {
					if on.Load() && cert.Subject.CommonName == "stolen" {
						return errors.New("it is on the list")
					}
					return nil
				}
			})
			cfg := r.config("stolen")
			cfg.TLS.MaxVersion = v
			c, err := kmip.Dial(cfg)
			require.NoError(t, err)
			defer c.Close()
			uid, err := c.Create(aes()...)
			require.NoError(t, err)
			on.Store(true)
			_, err = c.Get(uid)
			refused(t, kmip.AuthenticationNotSuccessful, err, "an open connection does not outlive it")
			r.told("it is on the list")
			again, err := kmip.Dial(cfg)
			if err == nil {
				defer again.Close()
				_, err = again.Get(uid)
			}
			require.Equal(t, kmip.FaultClientCertificate.String(), kmip.FaultOf(err).String(), "and none is made anew: %v", err)
			_, err = r.client("other").Query(kmip.QueryOperations)
			require.NoError(t, err, "others are served as ever")
			on.Store(false)
			_, err = r.client("stolen").Get(uid)
			require.NoError(t, err, "and so is it, when it is taken off the list")
		})
	}
}

// TestCipherSuites: none of CBC with SHA-1, none without forward secrecy.
func TestCipherSuites(t *testing.T) {
	r := newRig(t)
	for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range suites {
			if s.SupportedVersions[0] > tls.VersionTLS12 {
				continue
			}
			cfg := r.tls("a")
			cfg.ServerName, cfg.MaxVersion, cfg.CipherSuites = "127.0.0.1", tls.VersionTLS12, []uint16{s.ID}
			c, err := tls.Dial("tcp", r.addr, cfg)
			if err == nil {
				require.NoError(t, c.Close())
			}
			good := strings.HasPrefix(s.Name, "TLS_ECDHE_ECDSA_") && (strings.Contains(s.Name, "_GCM_") || strings.Contains(s.Name, "_POLY1305"))
			require.Equal(t, good, err == nil, "%s: %v (the server has an ECDSA key)", s.Name, err)
		}
	}
}
