package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are how far a campaign is, for Prometheus.
type Metrics struct {
	lock    sync.Mutex
	id      string
	numbers map[string]float64 // by name
	endings map[string]uint64
	workers map[string]uint64 // units
}

// The metrics without labels of their own.
var numbersOf = []struct {
	name, help string
	counts     bool // it never goes down
	of         func(*State) float64
}{
	{"fdelab_campaign_jobs_total", "Jobs that are in the report.", true, func(s *State) float64 { return float64(s.Report.Merged) }},
	{"fdelab_campaign_commands_total", "Commands that drives and facilities were given.", true, func(s *State) float64 { return float64(s.Report.Commands) }},
	{"fdelab_campaign_faults_total", "Faults that fired.", true, func(s *State) float64 { return float64(s.Report.Faults) }},
	{"fdelab_campaign_searches_total", "Searches for keys.", true, func(s *State) float64 { return float64(s.Report.Searches) }},
	{"fdelab_campaign_failures_total", "Lifecycles, rows, seeds and mutants that failed.", true, func(s *State) float64 { return float64(s.Report.Failures()) }},
	{"fdelab_campaign_rate", "Lifecycles, rows, seeds and mutants a second, in the last seconds.", false, func(s *State) float64 { return s.Rate }},
	{"fdelab_campaign_met", "How much of what the drives and facilities can meet was met.", false, func(s *State) float64 { return float64(len(s.Report.Coverage)) }},
}

// Take takes what a state says. It is for Options.Progress.
func (m *Metrics) Take(s *State) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.id, m.numbers, m.workers = s.ID, map[string]float64{}, map[string]uint64{}
	for _, n := range numbersOf {
		m.numbers[n.name] = n.of(s)
	}
	m.endings = maps.Clone(s.Report.Endings)
	for name, w := range s.Workers {
		m.workers[name] = w.Units
	}
}

// Describe implements prometheus.Collector: which metrics there are is seen when they are collected.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.id == "" {
		return
	}
	own := prometheus.Labels{"campaign": m.id}
	for _, n := range numbersOf {
		kind := prometheus.GaugeValue
		if n.counts {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(n.name, n.help, nil, own), kind, m.numbers[n.name])
	}
	ended := prometheus.NewDesc("fdelab_campaign_ended_total", "Lifecycles, rows, seeds and mutants by their ending.", []string{"ending"}, own)
	for name, n := range m.endings {
		out <- prometheus.MustNewConstMetric(ended, prometheus.CounterValue, float64(n), name)
	}
	worked := prometheus.NewDesc("fdelab_campaign_worker_total", "Lifecycles, rows, seeds and mutants by the worker that had them.", []string{"worker"}, own)
	for name, n := range m.workers {
		out <- prometheus.MustNewConstMetric(worked, prometheus.CounterValue, float64(n), name)
	}
}

// Serve serves them at /metrics of an address until ctx ends; at is called with the address.
func (m *Metrics) Serve(ctx context.Context, listen string, at func(net.Addr)) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	at(l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}
