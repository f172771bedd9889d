package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/proxy"
	"vneid-proxy/vneidtest"
)

func noSource() netip.AddrPort { return netip.AddrPort{} }

var walked = flag.Int("walked", 40, "accounts that TestRehearsalIsWhatEnforcingDoes walks at each of its moments")

// TestRehearsalIsWhatEnforcingDoes rehearses a moment and then signs in to
// account after account at that moment, over sockets, by the portal account
// and by VNeID: what the browser comes to is what the rehearsal said. The
// moments are the second before, of and after every deadline.
func TestRehearsalIsWhatEnforcingDoes(t *testing.T) {
	t.Parallel()
	// Another account for each place of every moment, until all are drawn.
	order := shuffled(drawnKinds)
	r, all, seed := newRehearsalRig(t)

	seen := outcomesOf{}
	next := 0
	for _, at := range rehearsalMoments() {
		said := r.rehearseAt(t, seed, at)
		require.Len(t, said, len(all))
		var some []int
		for range *walked {
			some = append(some, order[next%len(order)])
			next++
		}
		_, stop := r.serveAt(t, seed, at)
		var lock sync.Mutex
		var walkers sync.WaitGroup
		queue := make(chan int)
		for range 4 {
			walkers.Go(func() {
				for i := range queue {
					d := all[i]
					outcome := said[d.account.ID]
					did := r.walk(t, i, d)
					lock.Lock()
					seen[outcome]++
					assert.True(t, did.are(outcome), "%s: account %d (%+v): rehearsed %s, but %+v", at, i, d, outcome, did)
					lock.Unlock()
				}
			})
		}
		for _, i := range some {
			queue <- i
		}
		close(queue)
		walkers.Wait()
		stop()
	}
	for _, outcome := range link.Outcomes() {
		if outcome != link.OutcomeMustProve {
			assert.NotZero(t, seen[outcome], "the walk met %s", outcome)
		}
	}
	t.Logf("%d sign-ins walked: %v", next, seen)
}

// newRehearsalRig is the world of every account that can be drawn, with what the
// ledger holds of them in a file of its own; nothing serves yet.
func newRehearsalRig(t *testing.T) (r *rig, all []drawn, seed string) {
	t.Helper()
	// That wire has no token with a time of its own in it.
	world := rigWorld{wire: wireEncrypted(), people: []vneidtest.Persona{}, env: map[string]string{
		"PORTAL_LOGIN_URL": "", "PORTAL_WHOAMI_URL": "", "PORTAL_SESSION_COOKIES": "",
		"LEGACY_SIGN_IN_UNTIL": "", "SKIP_UNTIL": "",
		"POLICY_FILE": policyText(t, rehearsalPolicy),
	}}
	for i := range drawnKinds {
		d := draw(i)
		all = append(all, d)
		world.people = append(world.people, drawnPersona(i))
		world.accounts = append(world.accounts, portalRow(d))
	}
	r = newRig(t, world)
	r.stop()
	r.accounts = nil
	for _, d := range all {
		r.accounts = append(r.accounts, d.account)
	}
	require.NoError(t, exportAccounts(r.settings(t, filepath.Join(t.TempDir(), "none.db")).Directory.URL.Path, r.accounts))
	seed = filepath.Join(t.TempDir(), "seed.db")
	l := openAt(t, seed, rehearsalBegins())
	for i, d := range all {
		seedAccount(t, l, i, d)
	}
	require.NoError(t, l.Close())
	return r, all, seed
}

// TestObservingCountsWhatTheRehearsalSays: under LINK=observe each sign-in is
// counted under the kind, cohort and outcome that the rehearsal has for the
// account, whichever it is, and nobody sees the link screen.
func TestObservingCountsWhatTheRehearsalSays(t *testing.T) {
	t.Parallel()
	r, all, seed := newRehearsalRig(t)
	r.env["LINK"] = "observe"
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, vietnam())
	said := r.rehearseAt(t, seed, at)
	policy, err := loadPolicy(r.settings(t, seed))
	require.NoError(t, err)
	a, stop := r.serveAt(t, seed, at)
	want := map[string]int{}
	for _, i := range shuffled(drawnKinds)[:8**walked] {
		d := all[i]
		class := policy.ClassOf(d.account)
		if d.account.Locked {
			// The portal's credential check turns it away: we are not told whose it is.
			assert.Equal(t, "wrong", r.walkLegacy(t, portalRow(d)))
			continue
		}
		want[fmt.Sprintf(`vneid_proxy_observed_sign_ins_total{cohort="%s",kind="%s",outcome="%s"}`, class.Cohort, class.Kind, said[d.account.ID])]++
		switch did := r.walkLegacy(t, portalRow(d)); did {
		case "wrong", "linked", "unlinked", "exempt", "pending":
		default:
			assert.Fail(t, "observing blocks nobody", "%+v: %s", d, did)
		}
	}
	w := httptest.NewRecorder()
	a.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	stop()
	got := map[string]int{}
	for line := range strings.Lines(w.Body.String()) {
		if series, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(series, "vneid_proxy_observed_sign_ins_total{") {
			got[series+"}"], err = strconv.Atoi(value)
			require.NoError(t, err)
		}
	}
	assert.Equal(t, want, got)
}

// came is what a browser came to.
type came struct {
	legacy string // by the portal account
	vneid  string // by VNeID; "" was not tried
}

// are reports that a browser comes to this where the rehearsal says so.
func (c came) are(o link.Outcome) bool {
	switch o {
	case link.OutcomeLinked:
		return (c.vneid == "linked" || c.vneid == "") && (c.legacy == "linked" || c.legacy == "closed" || c.legacy == "wrong")
	case link.OutcomeTrustedNumber:
		return c.legacy == "linked"
	case link.OutcomeVNeIDNumber:
		return c.legacy == "closed" && c.vneid == "linked"
	case link.OutcomeLegacyClosed:
		return c.legacy == "closed" && c.vneid != "linked"
	case link.OutcomeLocked:
		return c.legacy == "wrong" && c.vneid != "linked" || c.legacy == "closed" && c.vneid != "linked"
	}
	return c.legacy == string(o)
}

// walk signs in to an account in both ways.
func (r *rig) walk(t *testing.T, i int, d drawn) (did came) {
	did.legacy = r.walkLegacy(t, portalRow(d))
	if d.theirWay() {
		p := r.person(t)
		at := p.vneid(p.visit(wanted), drawnPersona(i).Key)
		did.vneid = fmt.Sprintf("%d %s", at.status, at.title())
		if standing, ok := p.standing(); ok {
			did.vneid = standing
		}
	}
	return did
}

func (r *rig) walkLegacy(t *testing.T, account vneidtest.PortalAccount) string {
	p := r.person(t)
	chooser := p.visit(wanted)
	if !strings.Contains(chooser.body, "/sign-in/legacy") {
		return "closed"
	}
	at := p.follow(p.submit(chooser, "/sign-in/legacy", "username", account.Username, "password", account.Password))
	switch {
	case at.status == http.StatusUnprocessableEntity:
		return "wrong"
	case at.title() == titleClosed:
		return "closed"
	case at.title() == "Tài khoản chưa liên kết đã ngừng sử dụng":
		return "use_ended"
	case at.title() == titleLink:
		return p.walkLink(at)
	}
	if standing, ok := p.standing(); ok {
		return standing
	}
	return fmt.Sprintf("%d %s", at.status, at.title())
}

// walkLink skips at the link screen and says what that was worth.
func (p *person) walkLink(at page) string {
	if !strings.Contains(at.body, "/link/skip") {
		refused := p.post("/_vneid/link/skip", at.form("/link/update").values)
		if refused.status == http.StatusForbidden && refused.title() == "Đã hết thời hạn bỏ qua" {
			return "must_link"
		}
		return fmt.Sprintf("skipped without a button: %d", refused.status)
	}
	p.follow(p.submit(at, "/link/skip"))
	if standing, ok := p.standing(); !ok || standing != "skipped" {
		return "skipped, and yet " + standing
	}
	switch wrote := p.ask(http.MethodPost, "/headers", "", "Accept", "application/json"); wrote.status {
	case http.StatusOK:
		return "may_skip"
	case http.StatusForbidden:
		return "read_only"
	default:
		return fmt.Sprintf("wrote: %d", wrote.status)
	}
}

// standing is what the portal is told of this browser; false where nothing is
// forwarded.
func (p *person) standing() (string, bool) {
	answer := p.ask(http.MethodGet, "/headers", "", "Accept", "application/json")
	var got vneidtest.Received
	if answer.status != http.StatusOK || json.Unmarshal([]byte(answer.body), &got) != nil {
		return "", false
	}
	return got.Header.Get("X-Identity-Standing"), true
}

// settings are the rig's, on another ledger.
func (r *rig) settings(t *testing.T, ledgerFile string) config.Config {
	t.Helper()
	var environ []string
	for name, value := range r.env {
		if name == "LEDGER_URL" {
			value = "sqlite://" + ledgerFile
		}
		environ = append(environ, config.Prefix+name+"="+value)
	}
	c, err := config.Load(environ)
	require.NoError(t, err)
	return c
}

// rehearseAt is what check --policy says of every account.
func (r *rig) rehearseAt(t *testing.T, ledgerFile string, at time.Time) map[identity.AccountID]link.Outcome {
	t.Helper()
	c := r.settings(t, ledgerFile)
	policy, err := loadPolicy(c)
	require.NoError(t, err)
	accounts, err := newConnector(t.Context(), c)
	require.NoError(t, err)
	l := openAt(t, copyLedger(t, ledgerFile), at)
	defer func() { require.NoError(t, l.Close()) }()
	said := map[identity.AccountID]link.Outcome{}
	require.NoError(t, rehearsal{policy, at, l.AccountStates}.run(t.Context(), accounts.(scanner), func(one rehearsed) error {
		said[one.account.ID] = one.outcome
		return nil
	}))
	return said
}

// serveAt serves on a copy of the ledger, by a clock that stands still.
func (r *rig) serveAt(t *testing.T, ledgerFile string, at time.Time) (a *app, stop func()) {
	t.Helper()
	c := r.settings(t, copyLedger(t, ledgerFile))
	ctx, cancel := context.WithCancel(context.Background())
	a, err := newApp(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)), func() time.Time { return at })
	require.NoError(t, err)
	listener, err := net.Listen("tcp", c.Listen.Address)
	require.NoError(t, err)
	server := proxy.Server(a.proxy)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return a, func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
		require.NoError(t, a.proxy.Close(ctx))
		cancel()
		require.NoError(t, a.close())
	}
}

func openAt(t testing.TB, file string, at time.Time) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{URL: "sqlite://" + file, Keys: [][]byte{rigKey(2)}, IndexKey: rigKey(3),
		Now: func() time.Time { return at }})
	require.NoError(t, err)
	return l
}

func copyLedger(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(copied, text, 0o600))
	return copied
}

func policyText(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
