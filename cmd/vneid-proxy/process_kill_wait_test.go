package main_test

import (
	"database/sql"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// TestKilledWhilePeopleSkipAndWait kills the product while people skip, while
// others are told that their check awaits its answer, and, once the population
// database is back, while it answers those checks and seals its audit.
func TestKilledWhilePeopleSkipAndWait(t *testing.T) {
	const people, atOnce = 48, 4
	var matches atomic.Int64
	asked := make(chan struct{}, 1) // one of the questions that the test waits for has come
	var awaited atomic.Int64
	w := newProcWorld(t, procWorldConfig{people: procPeople(people), tap: func(simulator string, next http.Handler) http.Handler {
		if simulator != "population" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if r.URL.Path == "/v1/match" && matches.Add(1) == awaited.Load() {
				asked <- struct{}{}
			}
		})
	}})
	w.knob(t, "match_down", "on")
	all := make([]*procLinker, people)
	for i, person := range procPeople(people) {
		all[i] = &procLinker{person: person, skips: i%2 == 0, waits: i%2 == 1}
	}

	rounds, confirmed := 0, 0
	for confirmed < people {
		require.Less(t, rounds, people, "no progress")
		child := procServe(t, w.environ())
		confirmed = procKillRound(t, w, child, all, atOnce, min(2+rand.IntN(8), people-confirmed))
		rounds++
		skips, open, answered := w.waiting(t, all)
		assert.Zero(t, answered, "the population database is down")
		assert.LessOrEqual(t, open, people/2)
		assert.LessOrEqual(t, skips, people/2+atOnce*rounds, "more skips than anybody asked for")
	}
	assert.GreaterOrEqual(t, rounds, 4, "killed too seldom to prove anything")

	w.knob(t, "match_down", "")
	before := 0
	for rounds = 0; before < people/2; rounds++ {
		require.Less(t, rounds, people, "no progress")
		w.passTime(t)
		child := procServe(t, w.environ())
		awaited.Store(matches.Load() + int64(min(1+rand.IntN(6), people/2-before)))
		select {
		case <-asked:
		case <-time.After(procPatience):
			require.Fail(t, "the checks are not asked again")
		}
		// Before the answer is read, while it is recorded, or at the next one.
		time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond)
		child.kill()
		_, open, answered := w.waiting(t, all)
		assert.Equal(t, people/2, open+answered)
		assert.GreaterOrEqual(t, answered, before, "an answer is lost")
		before = answered
	}
	assert.GreaterOrEqual(t, rounds, 4, "killed too seldom to prove anything")

	child := procServe(t, w.environ())
	for _, who := range all {
		if who.skips {
			continue
		}
		b := newProcBrowser(t, w.public, child.address, nil, nil)
		page, err := b.atPortal(procLanding, who.person.Accounts[0].Username, who.person.Accounts[0].Password)
		require.NoError(t, err)
		require.Equal(t, "/_vneid/notices", page.url.Path, "the answer that came meanwhile is told")
		page, err = b.submit(page, "/_vneid/notices", nil)
		require.NoError(t, err)
		require.Equal(t, procLanding, page.url.RequestURI())
		got, err := b.as()
		require.NoError(t, err)
		assert.Equal(t, []string{"linked"}, got["X-Identity-Standing"])
		assert.Equal(t, []string{who.person.CitizenNumber}, got["X-Identity-Citizen-Number"])
	}
	child.kill()
	verify := procStart(t, w.environ(), "audit", "verify")
	assert.Zero(t, verify.code(t), verify.stderr.String())
}

// waiting asks the ledger that a killed process has left: what anybody was told
// is there, once, and each check is answered once at most. It returns how many
// skips, open checks and answered checks there are.
func (w *procWorld) waiting(t *testing.T, all []*procLinker) (skips, open, answered int) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{
		URL: "sqlite://" + w.ledger(), Keys: [][]byte{w.key(t, "LEDGER_KEYS")}, IndexKey: w.key(t, "LEDGER_INDEX_KEY"),
	})
	require.NoError(t, err)
	for _, who := range all {
		account := identity.AccountID(who.person.Accounts[0].ID)
		n, err := l.Skips(t.Context(), account)
		require.NoError(t, err)
		skips += n
		assert.True(t, !who.skips || !who.confirmed || n > 0, "%s was told of a skip that is lost", who.person.Key)
		_, notOpen := l.PendingByAccount(t.Context(), account)
		_, notAnswered := l.AnsweredByAccount(t.Context(), account)
		link, notLinked := l.ActiveByAccount(t.Context(), account)
		assert.False(t, notOpen == nil && notAnswered == nil, "%s: one check, open and answered", who.person.Key)
		assert.Equal(t, notAnswered == nil, notLinked == nil, "%s is linked by the answer", who.person.Key)
		assert.True(t, !who.waits || !who.confirmed || notOpen == nil || notAnswered == nil, "%s was told of a check that is lost", who.person.Key)
		if notOpen == nil {
			open++
		}
		if notAnswered == nil {
			answered++
			assert.Equal(t, who.person.CitizenNumber, link.Number.Reveal())
			assert.Equal(t, ledger.MethodMatch, link.Method)
		}
	}
	report, err := l.VerifyAudit(t.Context())
	require.NoError(t, err)
	assert.True(t, report.Whole(), "row %d: %s", report.Broken, report.Reason)
	require.NoError(t, l.Close())

	db := w.raw(t)
	defer func() { require.NoError(t, db.Close()) }()
	for query, want := range map[string]int{
		"links":                                answered,
		"skips":                                skips,
		"pending":                              open + answered,
		"audit WHERE event = 'skipped'":        skips,
		"audit WHERE event = 'check_asked'":    open + answered,
		"audit WHERE event = 'check_answered'": answered,
		"(SELECT DISTINCT account FROM audit WHERE event = 'check_answered')": answered,
		"audit WHERE event = 'linked'":                                        answered,
	} {
		var n int
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+query).Scan(&n))
		assert.Equal(t, want, n, query)
	}
	var verdict string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	assert.Equal(t, "ok", verdict)
	return skips, open, answered
}

// passTime ends the leases that a killed process has left, and the pauses after
// questions that had no answer: both last for minutes.
func (w *procWorld) passTime(t *testing.T) {
	t.Helper()
	db := w.raw(t)
	_, err := db.Exec("UPDATE pending SET next_at = 0 WHERE closed_at IS NULL")
	require.NoError(t, err)
	_, err = db.Exec("UPDATE audit_head SET until_at = 0")
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// raw is the ledger's file.
func (w *procWorld) raw(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.ledger()+"?_busy_timeout=5000")
	require.NoError(t, err)
	return db
}

// knob turns a knob of the population database's.
func (w *procWorld) knob(t *testing.T, name, value string) {
	t.Helper()
	answer, err := http.PostForm(w.population+"/sim/knobs", url.Values{name: {value}})
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
}
