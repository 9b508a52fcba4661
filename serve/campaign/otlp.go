package campaign

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// ErrCollector is wrapped by Traces where the URL is none of a collector.
var ErrCollector = errors.New("OTLP over HTTP")

// tracesFor is how long the end of a process waits for a collector to take what is left.
const tracesFor = 3 * time.Second

// Traces is what makes spans and sends them to a collector, by OTLP over HTTP: to base, below which it has v1/traces, or
// where base is "", to where the environment variables of OpenTelemetry say (OTEL_EXPORTER_OTLP_ENDPOINT and those
// beside it). It is nil, and nothing is made, where neither names one. A collector that takes nothing is told of by
// note, once; spans that it does not take are dropped. end sends what is left, and waits for three seconds.
func Traces(ctx context.Context, base string, note func(format string, args ...any)) (t trace.Tracer, end func(), err error) {
	var options []otlptracehttp.Option
	switch {
	case base != "":
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return nil, nil, fmt.Errorf("campaign: %w: %q, want a URL such as http://127.0.0.1:4318, without user and password", ErrCollector, withoutSecret(base))
		}
		options = append(options, otlptracehttp.WithEndpointURL(u.JoinPath("v1/traces").String()))
	case os.Getenv("OTEL_TRACES_EXPORTER") == "none", os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return nil, func() {}, nil
	}
	to, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("campaign: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "fdelab"), attribute.String("service.version", proptest.Version())), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("campaign: %w", err)
	}
	all := &patient{SpanExporter: to, note: note}
	p := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(all))
	return p.Tracer("github.com/seed-9d983aeb/fdelab/serve/campaign"), func() {
		within, cancel := context.WithTimeout(context.Background(), tracesFor)
		defer cancel()
		all.tell(p.Shutdown(within)) // what is not there by now is not worth waiting for
	}, nil
}

// patient is an exporter whose errors are told of once.
type patient struct {
	sdk.SpanExporter
	note func(format string, args ...any)
	told sync.Once
}

// ExportSpans drops what the collector does not take.
func (p *patient) ExportSpans(ctx context.Context, all []sdk.ReadOnlySpan) error {
	p.tell(p.SpanExporter.ExportSpans(ctx, all))
	return nil
}

func (p *patient) tell(err error) {
	if err != nil {
		p.told.Do(func() { p.note("traces do not arrive: %s", campaign.Clean(err.Error(), 200)) })
	}
}
