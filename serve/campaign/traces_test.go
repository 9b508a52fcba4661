//go:build unix

package campaign

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// collected are the spans that came to a collector, by their IDs.
type collected struct {
	lock sync.Mutex
	all  map[string]*otlp.Span
}

// collects is a collector of OTLP over HTTP.
func collects(t *testing.T) (url string, spans *collected) {
	t.Helper()
	spans = &collected{all: map[string]*otlp.Span{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var in collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &in)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		spans.lock.Lock()
		defer spans.lock.Unlock()
		for _, of := range in.ResourceSpans {
			for _, from := range of.ScopeSpans {
				for _, span := range from.Spans {
					spans.all[hex.EncodeToString(span.SpanId)] = span
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, spans
}

// named are the spans of a name.
func (c *collected) named(name string) (out []*otlp.Span) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, span := range c.all {
		if span.Name == name {
			out = append(out, span)
		}
	}
	return out
}

// of is the span in which another one is.
func (c *collected) of(child *otlp.Span) *otlp.Span {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.all[hex.EncodeToString(child.ParentSpanId)]
}

func attributes(of *otlp.Span) map[string]any {
	out := map[string]any{}
	for _, a := range of.Attributes {
		switch v := a.Value; {
		case v.GetArrayValue() != nil:
			var words []string
			for _, w := range v.GetArrayValue().Values {
				words = append(words, w.GetStringValue())
			}
			out[a.Key] = strings.Join(words, ", ")
		case v.GetStringValue() != "":
			out[a.Key] = v.GetStringValue()
		default:
			out[a.Key] = v.GetIntValue()
		}
	}
	return out
}

// TestTraces: the spans of a worker in one process are in those of the coordinator in another, and come to a collector in
// a third; what the campaign reports is what it reports without.
func TestTraces(t *testing.T) {
	const text = "drive lifecycles=24 each=4\nidle jobs=2\nlimit generation=4"
	one := report(t, text, 1, 0, (*campaign.Job).Run)
	url, spans := collects(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100") // milliseconds
	s := open(t, t.TempDir())
	coordinates := begins(t, "run", s.URL(), text)
	coordinates.says(t, "merged") // the streams are there
	begins(t, "work", s.URL(), "")
	require.JSONEq(t, one, strings.TrimPrefix(coordinates.says(t, "report"), "report "))
	<-coordinates.over
	for began := time.Now(); len(spans.named("job")) < 8; time.Sleep(20 * time.Millisecond) {
		require.Less(t, time.Since(began), 2*time.Minute, "the spans of jobs come")
	}

	whole := spans.named("campaign")
	require.Len(t, whole, 1)
	require.Empty(t, whole[0].ParentSpanId)
	is := attributes(whole[0])
	require.Equal(t, plan(t, text).ID(), is["fdelab.campaign"])
	require.Equal(t, "done", is["fdelab.over"])
	require.Equal(t, int64(8), is["fdelab.jobs"])
	generations := spans.named("generation")
	require.Len(t, generations, 2)
	for _, span := range append(generations, spans.named("merge")...) {
		require.Equal(t, whole[0].SpanId, span.ParentSpanId)
	}
	require.NotEmpty(t, spans.named("merge"))
	jobs := map[int64]map[string]any{}
	for _, span := range spans.named("job") {
		require.Equal(t, whole[0].TraceId, span.TraceId)
		is, in := attributes(span), spans.of(span)
		n := is["fdelab.job"].(int64)
		require.Equal(t, "generation", in.Name)
		require.Equal(t, n/4, attributes(in)["fdelab.generation"])
		require.GreaterOrEqual(t, span.StartTimeUnixNano, in.StartTimeUnixNano)
		jobs[n] = is
	}
	require.Len(t, jobs, 8)
	require.Equal(t, map[string]any{
		"fdelab.campaign": plan(t, text).ID(), "fdelab.job": int64(7), "fdelab.kind": "idle", "fdelab.seed": jobs[7]["fdelab.seed"], "fdelab.units": int64(1),
		"fdelab.attempt": int64(1), "fdelab.worker": "worker", "fdelab.endings": "1 passed", "fdelab.commands": int64(0), "fdelab.faults.fired": int64(0),
	}, jobs[7])
	require.Equal(t, "drive", jobs[3]["fdelab.kind"])
	require.Equal(t, int64(13), jobs[3]["fdelab.seed"])
	require.Contains(t, jobs[3], "fdelab.faults", "a job that is steered")
	require.Positive(t, jobs[3]["fdelab.commands"])
}

// TestCollectorThatTakesNothing: one that is not there, and one that never answers, cost a campaign no result and no more
// than the seconds that its end waits for the last spans; that is told of once.
func TestCollectorThatTakesNothing(t *testing.T) {
	t.Parallel()
	const text = "idle jobs=200"
	one := report(t, text, 1, 0, (*campaign.Job).Run)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer mute.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for _, at := range []net.Listener{mute, gone} {
		told := 0
		tracer, end, err := Traces(t.Context(), "http://"+at.Addr().String(), func(string, ...any) { told++ })
		require.NoError(t, err)
		state, err := Run(t.Context(), plan(t, text), t.TempDir(), 2, Options{Tracer: tracer})
		require.NoError(t, err)
		began := time.Now()
		end()
		require.Less(t, time.Since(began), 30*time.Second)
		b, err := json.Marshal(state.Report)
		require.NoError(t, err)
		require.JSONEq(t, one, string(b))
		require.Equal(t, 1, told)
	}
}

// TestNobodyAskedForTraces: then there is nothing that makes any; and a URL that is none is said to be, without its secret.
func TestNobodyAskedForTraces(t *testing.T) {
	for name, value := range map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_TRACES_EXPORTER": "none"} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
		t.Setenv(name, value)
		tracer, end, err := Traces(t.Context(), "", nil)
		require.NoError(t, err)
		require.Nil(t, tracer)
		end()
		t.Setenv("OTEL_TRACES_EXPORTER", "")
	}
	for _, bad := range []string{"127.0.0.1:4318", "nats://127.0.0.1", "http://me:secret@127.0.0.1:4318", "http://"} {
		_, _, err := Traces(context.Background(), bad, nil)
		require.ErrorIs(t, err, ErrCollector, bad)
		require.NotContains(t, err.Error(), "secret")
	}
}
