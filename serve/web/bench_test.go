package web

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// benchSite is a server of a facility for a benchmark.
func benchSite(b *testing.B, lines ...string) *Server {
	b.Helper()
	session := console.NewSession(console.Options{Seed: 7, Start: true})
	b.Cleanup(func() { require.NoError(b, session.Close()) })
	for _, line := range lines {
		require.NoError(b, session.Run(line, io.Discard), line)
	}
	s, err := New(Options{Session: session, Listen: "127.0.0.1:8980", Token: ownerToken})
	require.NoError(b, err)
	return s
}

// asking is a request of the owner.
func (s *Server) asking(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8980"
	r.Header.Set("Accept-Encoding", "gzip")
	r.AddCookie(&http.Cookie{Name: s.cookie(r), Value: ownerToken})
	return r
}

// The first page of a facility of 1,536 drives, in time on the server and bytes over the wire.
func BenchmarkFirstPage(b *testing.B) {
	s := benchSite(b, "lab new drives=1536", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1")
	bytes := 0
	for b.Loop() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, s.asking("/"))
		require.Equal(b, http.StatusOK, w.Code)
		bytes = w.Body.Len()
	}
	b.ReportMetric(float64(bytes), "wire-B")
}

// One drive of 1,536 changes while a page of all is open: from the command to the update, and its bytes.
func BenchmarkUpdateOfOneDrive(b *testing.B) {
	s := benchSite(b, "lab new drives=1536")
	stream := s.streams(b, 1)[0]
	bytes := 0
	for i := 0; b.Loop(); i++ {
		s.lab.run([]string{"power cut drive=R1-I1-D03", "power restore drive=R1-I1-D03"}[i%2])
		bytes = len(next(b, stream, `id="d-R1-I1-D03"`))
	}
	b.ReportMetric(float64(bytes), "B")
}

// An hour passes in a lab that a hundred browsers look at: from the command until the last one has the update. Time
// runs at 3,600 virtual seconds a second if that is less than a second.
func BenchmarkHourForAHundredBrowsers(b *testing.B) {
	s := benchSite(b, "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1")
	all := s.streams(b, 100)
	for b.Loop() {
		s.lab.run("time advance by=1h")
		for _, stream := range all {
			next(b, stream, `id="clock"`)
		}
	}
}

// streams are pages that are open, all up to date.
func (s *Server) streams(b *testing.B, n int) (all []*bufio.Reader) {
	ts := httptest.NewUnstartedServer(nil)
	ts.Config = NewHTTPServer(s)
	ts.Start()
	b.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	for range n {
		r := s.asking("/live?at=/")
		r.RequestURI, r.Header = "", r.Header.Clone()
		r.Header.Del("Accept-Encoding")
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(ts.URL, "http://")
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(b, err)
		b.Cleanup(func() { _ = answer.Body.Close() })
		stream := bufio.NewReaderSize(answer.Body, 1<<20)
		next(b, stream, `id="clock"`)
		all = append(all, stream)
	}
	return all
}

// next reads a stream up to the update that holds a text.
func next(b *testing.B, stream *bufio.Reader, text string) string {
	var event strings.Builder
	for {
		line, err := stream.ReadString('\n')
		require.NoError(b, err)
		event.WriteString(line)
		if line != "\n" {
			continue
		}
		if strings.Contains(event.String(), text) {
			return event.String()
		}
		event.Reset()
	}
}
