// Package metrics is every time series that the product exposes, in one place:
// names, help and labels are declared here and nowhere else, and
// docs/metrics.md is generated from the declarations.
//
// No label ever holds what a visitor sent or who they are: every value comes
// from a closed list of ours or from the configuration. Label values are bound
// to their series when the series is made wherever a request would otherwise
// look them up.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vneid-proxy/identity"
)

// Metrics holds the series of one process. Its methods are safe for concurrent
// use; none of them fails or blocks.
type Metrics struct {
	registry *prometheus.Registry
	series   []Series

	requests [decisions][classes]requestSeries
	steps    *prometheus.CounterVec
	cookies  *prometheus.CounterVec
	links    *prometheus.CounterVec
	skips    prometheus.Counter
	unlinks  prometheus.Counter
	notices  *prometheus.CounterVec
	slowed   prometheus.Counter
	forged   prometheus.Counter
	calls    *prometheus.HistogramVec

	faults  *prometheus.CounterVec
	skew    *prometheus.GaugeVec
	up      *prometheus.GaugeVec
	logouts *prometheus.CounterVec

	pending  prometheus.Gauge
	checked  *prometheus.CounterVec
	unsealed prometheus.Gauge
	reloaded *prometheus.GaugeVec
	reloads  *prometheus.CounterVec
	reviews  prometheus.Gauge
	observed *prometheus.CounterVec

	writing *prometheus.CounterVec
	waiting prometheus.Gauge

	accounts accountSeries
}

// New makes the series. version is what vneid_proxy_build_info reports.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requestSeries()
	m.steps = m.counters("vneid_proxy_sign_in_steps_total",
		"Steps that people took between the first page asked for and the session, in funnel order: offered, started, returned, vouched, proved, linked, skipped or pending, admitted; refused with its reason.",
		"provider", "step", "reason")
	m.cookies = m.counters("vneid_proxy_cookies_refused_total",
		"Cookies of ours that counted as none, by cookie (session, proof, attempt) and reason (forged, doubled, expired).", "cookie", "reason")
	m.links = m.counters("vneid_proxy_links_total",
		"Links recorded, by how they were proved and how strongly the data agreed.", "method", "strength")
	m.slowed = m.counters("vneid_proxy_tries_slowed_total", "Tries at passwords and numbers that were answered late because there were so many in all: somebody may be guessing.").WithLabelValues()
	m.skips = m.counters("vneid_proxy_skips_total", "Link screens skipped.").WithLabelValues()
	m.unlinks = m.counters("vneid_proxy_unlinks_total", "Links that ended because their citizens had asked for it.").WithLabelValues()
	m.notices = m.counters("vneid_proxy_notices_total",
		"Tries to have the portal tell people of a link or its end, by outcome (delivered, unanswered, failed: given up after a week).", "outcome")
	m.forged = m.counters("vneid_proxy_identity_headers_removed_total",
		"Incoming headers removed because they could be read as an identity header.").WithLabelValues()
	m.calls = m.histograms("vneid_proxy_call_duration_seconds",
		"Calls to other systems, by system (a further identity provider is provider/NAME), operation and outcome (ok, refused, malformed, unavailable; a deadline passed is unavailable; limited: not made, to stay within the calls agreed).",
		"system", "operation", "outcome")
	m.faults = m.counters("vneid_proxy_provider_faults_total",
		"Answers of the provider that were not believed, or did not come, by reason (docs/protocol.md lists them).", "provider", "reason")
	m.up = m.gauges("vneid_proxy_provider_up",
		"Whether the provider answered when a sign-in last needed it (1), or not (0). Sessions go on without it.", "provider")
	m.skew = m.gauges("vneid_proxy_provider_clock_skew_seconds",
		"How far the provider's clock was ahead of ours at the last sign-in; below 0, behind or slow to answer.", "provider")
	m.logouts = m.counters("vneid_proxy_provider_logouts_total",
		"Sign-outs that the provider told, by channel (back, front) and outcome, of the provider that was named (none: empty): ok; unknown is a session that was never told here; form, parameters, token and replay were refused; provider and ledger could not be asked.", "provider", "channel", "outcome")
	m.pending = m.gauges("vneid_proxy_pending_check_age_seconds",
		"Age of the oldest check that the population database has not answered yet; 0 where there is none.").WithLabelValues()
	m.checked = m.counters("vneid_proxy_pending_checks_total",
		"Pending checks asked again, by outcome (matched, not_matched, conflict, unanswered).", "outcome")
	m.waiting = m.gauges("vneid_proxy_write_back_age_seconds",
		"Age of the oldest link whose number the directory has not been told yet; 0 where there is none.").WithLabelValues()
	m.writing = m.counters("vneid_proxy_write_backs_total",
		"Tries to write a link's number back to the directory, by outcome (written, there: it stood there already, dropped: the link ended, refused: the directory has another verified number or no such account, changed: the account was edited meanwhile, unanswered).", "outcome")
	m.reviews = m.gauges("vneid_proxy_reviews_waiting",
		"Mismatches and conflicts, each with its reference code, that wait for staff.").WithLabelValues()
	m.observed = m.counters("vneid_proxy_observed_sign_ins_total",
		"With LINK=observe: sign-ins by what enforcing would have made of them (docs/policy.md lists the outcomes), by kind of account (other: none that is known) and cohort of the policy file.",
		"kind", "cohort", "outcome")
	m.accountSeries()
	m.reloaded = m.gauges("vneid_proxy_config_last_reload_successful",
		"Whether the last change of routes, client_secret or decryption_keys (NAME/… of a further provider) could be used (1), or what was there before still holds (0).", "file")
	m.reloads = m.counters("vneid_proxy_config_reloads_total",
		"Changes of a file that were read, by outcome (ok, refused).", "file", "outcome")
	m.unsealed = m.gauges("vneid_proxy_audit_unsealed_rows",
		"Audit rows that are not chained yet. It falls back to 0 each second unless sealing fails.").WithLabelValues()
	build := m.gauges("vneid_proxy_build_info", "Always 1; the version is the label.", "version")
	build.WithLabelValues(version).Set(1)
	return m
}

// Handler serves the series in the Prometheus and OpenMetrics formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Step counts one step of the sign-in funnel. provider is the configured name
// or "portal"; reason is "" unless the step is a refusal.
func (m *Metrics) Step(provider string, step Step, reason string) {
	m.steps.WithLabelValues(provider, string(step), reason).Inc()
}

// CookieRefused counts a cookie that counted as none.
func (m *Metrics) CookieRefused(cookie, reason string) {
	m.cookies.WithLabelValues(cookie, reason).Inc()
}

// Linked counts a recorded link.
func (m *Metrics) Linked(method, strength string) { m.links.WithLabelValues(method, strength).Inc() }

// TrySlowed counts a try that was answered late.
func (m *Metrics) TrySlowed() { m.slowed.Inc() }

// Skipped counts a skipped link screen.
func (m *Metrics) Skipped() { m.skips.Inc() }

// Unlinked counts links that ended because their citizens had asked for it.
func (m *Metrics) Unlinked(n int) { m.unlinks.Add(float64(n)) }

// Notified counts a try to have the portal tell people of something.
func (m *Metrics) Notified(outcome string) { m.notices.WithLabelValues(outcome).Inc() }

// IdentityHeadersRemoved counts incoming look-alikes of identity headers.
func (m *Metrics) IdentityHeadersRemoved(n int) { m.forged.Add(float64(max(n, 0))) }

// Call records a finished call to another system.
func (m *Metrics) Call(system, operation, outcome string, took time.Duration) {
	m.calls.WithLabelValues(system, operation, outcome).Observe(took.Seconds())
}

// ProviderFault counts an answer that was not believed, by its reason.
func (m *Metrics) ProviderFault(provider, reason string) {
	m.faults.WithLabelValues(provider, reason).Inc()
}

// ProviderUp is whether the provider answered when it was last needed.
func (m *Metrics) ProviderUp(provider string, up bool) {
	value := 0.0
	if up {
		value = 1
	}
	m.up.WithLabelValues(provider).Set(value)
}

// ProviderSkew is how far the provider's clock was ahead at a sign-in.
func (m *Metrics) ProviderSkew(provider string, ahead time.Duration) {
	m.skew.WithLabelValues(provider).Set(ahead.Seconds())
}

// The channels of ProviderLogout.
const (
	BackChannel  = "back"
	FrontChannel = "front"
)

// ProviderLogout counts a sign-out that a provider told; provider is "" where
// none of ours did.
func (m *Metrics) ProviderLogout(provider, channel, outcome string) {
	m.logouts.WithLabelValues(provider, channel, outcome).Inc()
}

// PendingAge sets the age of the oldest pending check, 0 for none.
func (m *Metrics) PendingAge(age time.Duration) { m.pending.Set(age.Seconds()) }

// PendingChecked counts a pending check that was asked again.
func (m *Metrics) PendingChecked(outcome string) { m.checked.WithLabelValues(outcome).Inc() }

// WriteBackAge sets the age of the oldest open write-back, 0 for none.
func (m *Metrics) WriteBackAge(age time.Duration) { m.waiting.Set(age.Seconds()) }

// WroteBack counts a try to write back.
func (m *Metrics) WroteBack(outcome string) { m.writing.WithLabelValues(outcome).Inc() }

// ReviewsWaiting sets how many refusals wait for staff.
func (m *Metrics) ReviewsWaiting(count int) { m.reviews.Set(float64(count)) }

// Observed counts what enforcing would have made of a sign-in. kind is the
// account's, cohort "" or one of the policy's.
func (m *Metrics) Observed(kind, cohort, outcome string) {
	switch identity.Kind(kind) {
	case identity.KindCitizen, identity.KindOfficial, identity.KindOrganisation:
	default:
		kind = "other"
	}
	m.observed.WithLabelValues(kind, cohort, outcome).Inc()
}

// AuditUnsealed sets how many audit rows are not chained yet.
func (m *Metrics) AuditUnsealed(rows int) { m.unsealed.Set(float64(rows)) }

// Reloaded notes a file that was read, at start or after a change.
func (m *Metrics) Reloaded(file string, ok bool) {
	outcome, value := "refused", 0.0
	if ok {
		outcome, value = "ok", 1
	}
	m.reloaded.WithLabelValues(file).Set(value)
	m.reloads.WithLabelValues(file, outcome).Inc()
}

// WatchFeed exposes the age of the revocation feed, read at each scrape.
func (m *Metrics) WatchFeed(age func() time.Duration) {
	m.gaugeFunc("vneid_proxy_revocation_feed_age_seconds",
		"Time since this process last read the revocation feed to its end. Sessions are refused beyond REVOCATION_MAX_AGE.",
		func() float64 { return age().Seconds() })
}

// Population is how the way to the population database stands.
type Population struct {
	Waiting int     // questions that wait for their turn
	Used    int     // calls today
	Left    float64 // of the day's budget; +Inf without one
	Breaker int     // 0 closed, 1 trying, 2 open
}

// WatchPopulation exposes it, read at each scrape.
func (m *Metrics) WatchPopulation(read func() Population) {
	m.gaugeFunc("vneid_proxy_population_waiting",
		"Questions to the population database that wait for their turn in this process.",
		func() float64 { return float64(read().Waiting) })
	m.gaugeFunc("vneid_proxy_population_calls_today",
		"Calls to the population database since midnight in Việt Nam, as far as this process knows: by all on the ledger where POPULATION_CALLS_PER_DAY is set, else by itself since its start.",
		func() float64 { return float64(read().Used) })
	m.gaugeFunc("vneid_proxy_population_calls_left",
		"What is left of POPULATION_CALLS_PER_DAY; +Inf where it is not set.",
		func() float64 { return read().Left })
	m.gaugeFunc("vneid_proxy_population_breaker_state",
		"Whether the population database is asked: 0 yes, 1 one question tries, 2 nobody asks for some seconds, since it gave no answer several times.",
		func() float64 { return float64(read().Breaker) })
}

// Step is a step of the sign-in funnel.
type Step string

// The steps, in funnel order.
const (
	StepOffered  Step = "offered"  // the chooser was shown
	StepStarted  Step = "started"  // the browser was sent to a provider or to the portal's page
	StepReturned Step = "returned" // it came back with an attempt of ours
	StepVouched  Step = "vouched"  // the provider vouched for a citizen
	StepProved   Step = "proved"   // an account was proved
	StepLinked   Step = "linked"   // a link was recorded
	StepSkipped  Step = "skipped"  // the link screen was skipped
	StepPending  Step = "pending"  // a check awaits the population database's answer
	StepAdmitted Step = "admitted" // a session began
	StepRefused  Step = "refused"  // a page said no; reason says why
)
