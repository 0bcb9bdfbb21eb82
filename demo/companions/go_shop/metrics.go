package main

import (
	"database/sql"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what Prometheus is told: requests by route, the pool of database/sql, and the process.
type metrics struct {
	registry  *prometheus.Registry
	durations *prometheus.HistogramVec
}

func newMetrics(db *sql.DB) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_request_duration_seconds",
			Help:    "How long requests took, from their first byte to the last of the answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
		}, []string{"method", "route", "status"}),
	}
	m.registry.MustRegister(m.durations, collectors.NewGoCollector())
	m.registry.MustRegister(collectors.NewDBStatsCollector(db, "shop"))
	return m
}

func (m *metrics) page() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// timed counts the requests of a route, and times them.
func (m *metrics) timed(route string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begun, told := time.Now(), &status{ResponseWriter: w, code: http.StatusOK}
		next(told, r)
		m.durations.WithLabelValues(r.Method, route, strconv.Itoa(told.code)).Observe(time.Since(begun).Seconds())
	}
}

// status remembers how an answer began.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}
