package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// AccountCount is how many accounts of a cohort are in a state of the clean-up.
// Both are words of ours or of the configuration.
type AccountCount struct {
	State, Cohort string
	Accounts      int
}

// accountSeries are the counts of the clean-up. A pair that does not occur any
// more has no series.
type accountSeries struct {
	counts *prometheus.GaugeVec
	read   prometheus.Gauge

	mu    sync.Mutex // guards shown
	shown map[[2]string]bool
}

func (m *Metrics) accountSeries() {
	m.accounts.counts = m.gauges("vneid_proxy_accounts",
		"Accounts of the portal by state of the clean-up and cohort, as the last reading of the whole directory counted them and answers moved them since (docs/cleanup.md). None before the first reading.", "state", "cohort")
	m.accounts.read = m.gauges("vneid_proxy_accounts_read_timestamp_seconds",
		"When the whole directory was last read for vneid_proxy_accounts; 0 for never.").WithLabelValues()
}

// Accounts sets the counts and when the directory was read for them; a zero
// time is never.
func (m *Metrics) Accounts(counts []AccountCount, read time.Time) {
	s := &m.accounts
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make(map[[2]string]bool, len(counts))
	for _, c := range counts {
		now[[2]string{c.State, c.Cohort}] = true
		s.counts.WithLabelValues(c.State, c.Cohort).Set(float64(c.Accounts))
	}
	for pair := range s.shown {
		if !now[pair] {
			s.counts.DeleteLabelValues(pair[0], pair[1])
		}
	}
	s.shown = now
	if !read.IsZero() {
		s.read.Set(float64(read.Unix()))
	}
}
