package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func otlpFlag(c *cobra.Command, otlp *string) {
	c.Flags().StringVar(otlp, "otlp", "", "send traces to this OpenTelemetry collector, such as http://127.0.0.1:4318 (default OTEL_EXPORTER_OTLP_ENDPOINT)")
}

// campaignTraces is what makes spans, nil where nobody asked for them. end sends those that are left.
func (a *app) campaignTraces(ctx context.Context, otlp string) (trace.Tracer, func(), error) {
	tracer, end, err := campaign.Traces(ctx, otlp, func(format string, args ...any) { a.note("campaign: "+format, args...) })
	switch {
	case errors.Is(err, campaign.ErrCollector):
		return nil, nil, usagef("--otlp: %w", err)
	case err != nil:
		return nil, nil, cannotf("%w", err)
	}
	return tracer, end, nil
}
