package metrics_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/metrics"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// full is every series, as a serving process has them.
func full() *metrics.Metrics {
	m := metrics.New("1.2.3")
	m.WatchFeed(func() time.Duration { return 1500 * time.Millisecond })
	m.WatchPopulation(func() metrics.Population { return metrics.Population{Waiting: 3, Used: 7, Left: 93, Breaker: 2} })
	return m
}

func scrape(t *testing.T, m *metrics.Metrics, accept string) (body, kind string) {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	b, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(b), answer.Header.Get("Content-Type")
}

// use moves every series.
func use(m *metrics.Metrics) {
	m.Request(metrics.Forward, 200, 3*time.Millisecond)
	m.Step("vneid", metrics.StepRefused, "level")
	m.CookieRefused("session", "forged")
	m.Linked("credential", "strong")
	m.Skipped()
	m.IdentityHeadersRemoved(2)
	m.Call("population", "match", "timeout", 5*time.Second)
	m.ProviderFault("vneid", "nonce")
	m.ProviderSkew("vneid", -2*time.Second)
	m.ProviderUp("vneid", true)
	m.ProviderLogout("vneid", metrics.BackChannel, "ok")
	m.PendingAge(90 * time.Second)
	m.PendingChecked("matched")
	m.WriteBackAge(time.Minute)
	m.WroteBack("written")
	m.Notified("delivered")
	m.AuditUnsealed(3)
	m.ReviewsWaiting(4)
	m.Observed("citizen", "one-stop", "may_skip")
	m.Accounts([]metrics.AccountCount{{State: "ready", Cohort: "citizen", Accounts: 5}}, time.Unix(1_700_000_000, 0))
	m.Reloaded("routes", true)
}

func TestNamesFollowTheConventions(t *testing.T) {
	m := full()
	use(m)
	body, _ := scrape(t, m, "text/plain")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	require.NoError(t, err)
	for _, p := range problems {
		assert.NotContains(t, p.Metric, "vneid_proxy", p.Text)
	}
}

// The label names are a closed list: another one is a decision, for each is a
// place where something personal could end.
func TestLabelsAreAClosedList(t *testing.T) {
	want := map[string][]string{
		"vneid_proxy_audit_unsealed_rows":            nil,
		"vneid_proxy_reviews_waiting":                nil,
		"vneid_proxy_notices_total":                  {"outcome"},
		"vneid_proxy_observed_sign_ins_total":        {"kind", "cohort", "outcome"},
		"vneid_proxy_pending_check_age_seconds":      nil,
		"vneid_proxy_population_waiting":             nil,
		"vneid_proxy_population_calls_today":         nil,
		"vneid_proxy_population_calls_left":          nil,
		"vneid_proxy_population_breaker_state":       nil,
		"vneid_proxy_pending_checks_total":           {"outcome"},
		"vneid_proxy_build_info":                     {"version"},
		"vneid_proxy_call_duration_seconds":          {"system", "operation", "outcome"},
		"vneid_proxy_provider_faults_total":          {"provider", "reason"},
		"vneid_proxy_provider_clock_skew_seconds":    {"provider"},
		"vneid_proxy_provider_up":                    {"provider"},
		"vneid_proxy_provider_logouts_total":         {"provider", "channel", "outcome"},
		"vneid_proxy_config_last_reload_successful":  {"file"},
		"vneid_proxy_config_reloads_total":           {"file", "outcome"},
		"vneid_proxy_cookies_refused_total":          {"cookie", "reason"},
		"vneid_proxy_identity_headers_removed_total": nil,
		"vneid_proxy_links_total":                    {"method", "strength"},
		"vneid_proxy_request_duration_seconds":       {"decision"},
		"vneid_proxy_requests_total":                 {"decision", "code"},
		"vneid_proxy_revocation_feed_age_seconds":    nil,
		"vneid_proxy_sign_in_steps_total":            {"provider", "step", "reason"},
		"vneid_proxy_skips_total":                    nil,
		"vneid_proxy_tries_slowed_total":             nil,
		"vneid_proxy_unlinks_total":                  nil,
		"vneid_proxy_write_back_age_seconds":         nil,
		"vneid_proxy_write_backs_total":              {"outcome"},

		"vneid_proxy_accounts":                        {"state", "cohort"},
		"vneid_proxy_accounts_read_timestamp_seconds": nil,
	}
	m := full()
	got := map[string][]string{}
	for _, s := range m.Series() {
		got[s.Name] = s.Labels
		assert.NotEmpty(t, s.Help)
		assert.NotContains(t, s.Help, "|", "it would end a cell of the table")
		assert.Contains(t, []string{"counter", "gauge", "histogram"}, s.Type)
	}
	assert.Equal(t, want, got)

	// What is declared is what is served, type and labels too.
	use(m)
	body, _ := scrape(t, m, "text/plain")
	served := map[string]bool{}
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(line, "# TYPE vneid_proxy_"); ok {
			served["vneid_proxy_"+strings.TrimSpace(name)] = true
		}
		if !strings.HasPrefix(line, "vneid_proxy_") {
			continue
		}
		name, rest, labelled := strings.Cut(line, "{")
		if !labelled {
			continue
		}
		if want[name] == nil {
			name = name[:strings.LastIndex(name, "_")] // a histogram's _bucket, _sum, _count
		}
		labels, _, _ := strings.Cut(rest, "}")
		for label := range strings.SplitSeq(labels, ",") {
			label, _, _ = strings.Cut(label, "=")
			assert.True(t, label == "le" || slices.Contains(want[name], label), line)
		}
	}
	for _, s := range m.Series() {
		assert.True(t, served[s.Name+" "+s.Type], "%s is served as a %s", s.Name, s.Type)
	}
	assert.Len(t, served, len(want))
}

// The values of decision and code are there from the start, so that a rate
// over them is never without data.
func TestRequestSeriesExistFromTheStart(t *testing.T) {
	body, _ := scrape(t, metrics.New("x"), "text/plain")
	for _, decision := range []string{"forward", "public", "sign_in", "link", "unauthorized", "forbidden", "unavailable", "misdirected", "refused", "own"} {
		for _, code := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
			assert.Contains(t, body, fmt.Sprintf(`vneid_proxy_requests_total{code="%s",decision="%s"} 0`, code, decision))
		}
		assert.Contains(t, body, fmt.Sprintf(`vneid_proxy_request_duration_seconds_count{decision="%s"} 0`, decision))
	}
	assert.Equal(t, 60, strings.Count(body, "\nvneid_proxy_requests_total{"))
	assert.Contains(t, body, "\nvneid_proxy_skips_total 0\n")
	assert.Contains(t, body, "\nvneid_proxy_identity_headers_removed_total 0\n")
}

func TestRequest(t *testing.T) {
	tests := []struct {
		decision metrics.Decision
		status   int
		series   string
		observed bool
	}{
		{metrics.Forward, 200, `{code="2xx",decision="forward"}`, true},
		{metrics.Public, 304, `{code="3xx",decision="public"}`, true},
		{metrics.SignIn, 302, `{code="3xx",decision="sign_in"}`, true},
		{metrics.Link, 303, `{code="3xx",decision="link"}`, true},
		{metrics.Unauthorized, 401, `{code="4xx",decision="unauthorized"}`, true},
		{metrics.Forbidden, 403, `{code="4xx",decision="forbidden"}`, true},
		{metrics.Unavailable, 503, `{code="5xx",decision="unavailable"}`, true},
		{metrics.Misdirected, 421, `{code="4xx",decision="misdirected"}`, true},
		{metrics.Refused, 400, `{code="4xx",decision="refused"}`, true},
		{metrics.Own, 599, `{code="5xx",decision="own"}`, true},
		{metrics.Forward, 101, `{code="1xx",decision="forward"}`, false},
		{metrics.Forward, 0, `{code="none",decision="forward"}`, true},
		{metrics.Forward, 600, `{code="none",decision="forward"}`, true},
		{metrics.Forward, 999, `{code="none",decision="forward"}`, true},
		{metrics.Forward, -200, `{code="none",decision="forward"}`, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %d", tt.decision, tt.status), func(t *testing.T) {
			m := metrics.New("x")
			m.Request(tt.decision, tt.status, time.Second)
			body, _ := scrape(t, m, "text/plain")
			assert.Contains(t, body, "vneid_proxy_requests_total"+tt.series+" 1\n")
			observed := 0
			if tt.observed {
				observed = 1
			}
			assert.Contains(t, body, fmt.Sprintf("vneid_proxy_request_duration_seconds_count{decision=%q} %d\n", tt.decision, observed))
		})
	}
}

func TestCounters(t *testing.T) {
	m := full()
	use(m)
	m.IdentityHeadersRemoved(0)
	assert.NotPanics(t, func() { m.IdentityHeadersRemoved(-1) }, "no method fails")
	body, _ := scrape(t, m, "text/plain")
	for _, line := range []string{
		`vneid_proxy_build_info{version="1.2.3"} 1`,
		`vneid_proxy_sign_in_steps_total{provider="vneid",reason="level",step="refused"} 1`,
		`vneid_proxy_cookies_refused_total{cookie="session",reason="forged"} 1`,
		`vneid_proxy_links_total{method="credential",strength="strong"} 1`,
		`vneid_proxy_skips_total 1`,
		`vneid_proxy_pending_check_age_seconds 90`,
		`vneid_proxy_observed_sign_ins_total{cohort="one-stop",kind="citizen",outcome="may_skip"} 1`,
		`vneid_proxy_pending_checks_total{outcome="matched"} 1`,
		`vneid_proxy_audit_unsealed_rows 3`,
		`vneid_proxy_reviews_waiting 4`,
		`vneid_proxy_identity_headers_removed_total 2`,
		`vneid_proxy_call_duration_seconds_bucket{operation="match",outcome="timeout",system="population",le="2.5"} 0`,
		`vneid_proxy_call_duration_seconds_bucket{operation="match",outcome="timeout",system="population",le="5"} 1`,
		`vneid_proxy_call_duration_seconds_sum{operation="match",outcome="timeout",system="population"} 5`,
		`vneid_proxy_revocation_feed_age_seconds 1.5`,
		`vneid_proxy_population_waiting 3`,
		`vneid_proxy_population_calls_today 7`,
		`vneid_proxy_population_calls_left 93`,
		`vneid_proxy_population_breaker_state 2`,
	} {
		assert.Contains(t, body, line+"\n")
	}
	assert.Contains(t, body, "\ngo_goroutines ")
	assert.Contains(t, body, "\nprocess_start_time_seconds ")
}

// The age is read when it is asked for, not when the watch begins.
func TestFeedAgeIsReadAtEachScrape(t *testing.T) {
	m := metrics.New("x")
	ages := []time.Duration{time.Second, time.Minute}
	m.WatchFeed(func() time.Duration {
		age := ages[0]
		ages = ages[1:]
		return age
	})
	body, _ := scrape(t, m, "text/plain")
	assert.Contains(t, body, "vneid_proxy_revocation_feed_age_seconds 1\n")
	body, _ = scrape(t, m, "text/plain")
	assert.Contains(t, body, "vneid_proxy_revocation_feed_age_seconds 60\n")
}

func TestOpenMetrics(t *testing.T) {
	m := full()
	body, kind := scrape(t, m, "application/openmetrics-text; version=1.0.0")
	assert.Contains(t, kind, "application/openmetrics-text")
	assert.True(t, strings.HasSuffix(body, "# EOF\n"))
	_, kind = scrape(t, m, "")
	assert.Contains(t, kind, "text/plain")
}

// A state that nobody is in any more leaves no series behind.
func TestAccountsFollowTheLedger(t *testing.T) {
	m := metrics.New("x")
	m.Accounts([]metrics.AccountCount{{State: "ready", Cohort: "citizen", Accounts: 5}, {State: "malformed", Cohort: "official", Accounts: 1}}, time.Unix(1_700_000_000, 0))
	m.Accounts([]metrics.AccountCount{{State: "ready", Cohort: "citizen", Accounts: 4}}, time.Unix(1_700_000_001, 0))
	body, _ := scrape(t, m, "text/plain")
	assert.Contains(t, body, `vneid_proxy_accounts{cohort="citizen",state="ready"} 4`+"\n")
	assert.Contains(t, body, "vneid_proxy_accounts_read_timestamp_seconds 1.700000001e+09\n")
	assert.NotContains(t, body, "malformed")
}

// Two processes of one test binary share nothing.
func TestNoSeriesIsGlobal(t *testing.T) {
	a, b := metrics.New("a"), metrics.New("b")
	a.Skipped()
	body, _ := scrape(t, b, "text/plain")
	assert.Contains(t, body, "vneid_proxy_skips_total 0\n")
}

func TestConcurrentUse(t *testing.T) {
	m := full()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				use(m)
			}
		})
	}
	group.Wait()
	body, _ := scrape(t, m, "text/plain")
	assert.Contains(t, body, "vneid_proxy_skips_total 800\n")
	assert.Contains(t, body, `vneid_proxy_requests_total{code="2xx",decision="forward"} 800`+"\n")
}

// Counting a request makes no garbage and looks nothing up.
func TestRequestCostsNothing(t *testing.T) {
	m := full()
	assert.Zero(t, testing.AllocsPerRun(100, func() { m.Request(metrics.Forward, 200, time.Millisecond) }))
}

func TestDocument(t *testing.T) {
	const path = "../docs/metrics.md"
	want := full().Markdown()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run: go generate ./metrics")
	for _, s := range full().Series() {
		assert.Contains(t, want, "| `"+s.Name+"` | "+s.Type+" |")
	}
}
