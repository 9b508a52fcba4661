package campaign

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// coordinated are the spans of a coordinator: the campaign, in it the generations of jobs, from when they are made until
// they are in the report, and each time that the report is stored with new results. Without a tracer it makes none.
type coordinated struct {
	tracer      trace.Tracer
	campaign    context.Context // with its span
	generations map[uint64]context.Context
}

// begin begins the span of the campaign, and those of generations that another coordinator made.
func (t *coordinated) begin(ctx context.Context, s *State, size uint64) {
	if t.tracer == nil {
		return
	}
	t.generations = map[uint64]context.Context{}
	t.campaign, _ = t.tracer.Start(ctx, "campaign", trace.WithAttributes(attribute.String("fdelab.campaign", s.ID)))
	for g := s.Report.Merged / size; g < s.Made; g++ {
		t.made(g)
	}
}

// made begins the span of a generation.
func (t *coordinated) made(g uint64) {
	if t.tracer != nil {
		t.generations[g], _ = t.tracer.Start(t.campaign, "generation", trace.WithAttributes(attribute.Int64("fdelab.generation", int64(g))))
	}
}

// merged ends the span of a generation.
func (t *coordinated) merged(g uint64) {
	if of, is := t.generations[g]; is {
		trace.SpanFromContext(of).End()
		delete(t.generations, g)
	}
}

// header is that of a job: the span of its generation, in the form of W3C Trace Context.
func (t *coordinated) header(g uint64) nats.Header {
	of, is := t.generations[g]
	if !is {
		return nil
	}
	h := http.Header{}
	propagation.TraceContext{}.Inject(of, propagation.HeaderCarrier(h))
	return nats.Header(h)
}

// stores begins the span of a report that is stored with so many new results; end ends it.
func (t *coordinated) stores(results int) (end func()) {
	if t.campaign == nil || results == 0 {
		return func() {}
	}
	_, span := t.tracer.Start(t.campaign, "merge", trace.WithAttributes(attribute.Int("fdelab.results", results)))
	return func() { span.End() }
}

// end ends what has not ended.
func (t *coordinated) end(s *State) {
	if t.campaign == nil {
		return
	}
	for _, g := range slices.Sorted(maps.Keys(t.generations)) {
		t.merged(g)
	}
	span := trace.SpanFromContext(t.campaign)
	span.SetAttributes(attribute.String("fdelab.over", string(s.Over)), attribute.Int64("fdelab.jobs", int64(s.Report.Merged)),
		attribute.Int64("fdelab.units", int64(s.Report.Units)), endingsOf(s.Report.Endings))
	failedIf(span, s.Report.Failures() > 0, s.Report.Ending())
	span.End()
}

// jobSpan begins the span of a job that a worker has, below the generation in whose message it came. end takes what came of it, nil if
// another worker is to have it.
func (w *worker) jobSpan(ctx context.Context, m *nats.Msg, t *ticket, delivered uint64) (end func(*campaign.Result)) {
	if w.o.Tracer == nil {
		return func(*campaign.Result) {}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(http.Header(m.Header)))
	_, span := w.o.Tracer.Start(ctx, "job", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("fdelab.campaign", t.Campaign), attribute.Int64("fdelab.job", int64(t.Job.Number)), attribute.String("fdelab.kind", t.Job.Kind()),
		attribute.Int64("fdelab.seed", int64(t.Job.First)), attribute.Int64("fdelab.units", int64(t.Job.Count)),
		attribute.Int64("fdelab.attempt", int64(delivered)), attribute.String("fdelab.worker", w.o.Name)))
	if t.Job.Faults != nil {
		span.SetAttributes(attribute.StringSlice("fdelab.faults", t.Job.Faults))
	}
	return func(r *campaign.Result) {
		if r == nil {
			span.SetStatus(codes.Error, "it did not end")
		} else {
			span.SetAttributes(endingsOf(r.Endings), attribute.Int64("fdelab.commands", int64(r.Commands)), attribute.Int64("fdelab.faults.fired", int64(r.Faults)))
			failedIf(span, len(r.Findings) > 0, "it found something")
		}
		span.End()
	}
}

func endingsOf(all map[string]uint64) attribute.KeyValue {
	words := []string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, fmt.Sprintf("%d %s", all[name], name))
	}
	return attribute.StringSlice("fdelab.endings", words)
}

func failedIf(span trace.Span, failed bool, why string) {
	if failed {
		span.SetStatus(codes.Error, why)
	}
}
