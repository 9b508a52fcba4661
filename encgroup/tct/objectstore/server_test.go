package objectstore

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCloseLeavesNothingBehind closes a server that has an idle connection, one in the middle
// of a request, one in the middle of a handshake, and one of HTTP/2.
func TestCloseLeavesNothingBehind(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return day }
	ca, err := cert.NewCA("lab", day, day.AddDate(1, 0, 0), entropy.Stream(1, "CA"))
	require.NoError(t, err)
	own, err := ca.Issue(cert.Request{Name: "cloud", Hosts: []string{"127.0.0.1"}, From: day, To: day.AddDate(1, 0, 0)})
	require.NoError(t, err)
	s, err := New(Config{Token: "secret token", ObjectMax: 100, ObjectsMax: 3, Timeout: time.Minute})
	require.NoError(t, err)
	v := s.Server(cert.ServerTLS(own, nil, clock), log.New(io.Discard, "", 0))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- v.Serve(l) }()

	for _, two := range []bool{false, true} {
		way := &http.Transport{TLSClientConfig: cert.ClientTLS(nil, ca.Pool(), clock), ForceAttemptHTTP2: two}
		defer way.CloseIdleConnections()
		r, err := http.NewRequest(http.MethodPut, "https://"+l.Addr().String()+"/objects/a", strings.NewReader("x"))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer secret token")
		a, err := (&http.Client{Transport: way, Timeout: time.Minute}).Do(r)
		require.NoError(t, err)
		require.NoError(t, a.Body.Close())
		require.Equal(t, two, a.ProtoMajor == 2)
	}
	half, err := tls.Dial("tcp", l.Addr().String(), cert.ClientTLS(nil, ca.Pool(), clock))
	require.NoError(t, err)
	defer half.Close()
	_, err = half.Write([]byte("PUT /objects/b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret token\r\nContent-Length: 50\r\n\r\nhalf of"))
	require.NoError(t, err)
	mute, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer mute.Close()

	require.NoError(t, v.Close())
	v.mu.Lock()
	require.Zero(t, v.open, "Close waits until no connection is served any more")
	v.mu.Unlock()
	require.NoError(t, <-done)
	_, err = s.Raw("b")
	require.ErrorIs(t, err, ErrNotFound, "what did not arrive whole is not stored")
	n, err := s.Count()
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
