package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
	"vneid-proxy/testserver"
	"vneid-proxy/vneidtest"
)

// procContest is two people of one name and birth date and two accounts that
// could be either's: whatever link is made, three others are refused for it.
type procContest struct {
	people   [2]vneidtest.Persona
	accounts [2]vneidtest.PortalAccount
}

func procContests(count int) (contests []procContest, people []vneidtest.Persona, accounts []vneidtest.PortalAccount) {
	for i := range count {
		var c procContest
		for side := range 2 {
			number := fmt.Sprintf("09919%05d%02d", i, side)
			c.people[side] = vneidtest.Persona{
				Key: fmt.Sprintf("c%d-%d", i, side), Name: "Đỗ Thị Song Sinh", BirthDate: "1990-02-14", CitizenNumber: number, AccountLevel: 2,
				VNeID: vneidtest.VNeIDLogin{Username: number, Password: "vneid-doi-9002", Subject: "subject-" + number},
			}
			c.accounts[side] = vneidtest.PortalAccount{
				ID: fmt.Sprintf("tk-%d-%d", i, side), Username: fmt.Sprintf("doi%d%d", i, side), Password: "cong-doi-9001",
				Name: "Đỗ Thị Song Sinh", BirthDate: "1990-02-14",
			}
		}
		contests = append(contests, c)
		people = append(people, c.people[:]...)
		accounts = append(accounts, c.accounts[:]...)
	}
	return contests, people, accounts
}

// procAttempt is one browser's attempt at one link.
type procAttempt struct {
	person   vneidtest.Persona
	account  vneidtest.PortalAccount
	provider bool // VNeID first
	begins   *procBrowser
	ends     *procBrowser // the same browser at the other process
	form     *http.Request
	came     int // the status of the last page
	linked   bool
}

// begin goes as far as the form, where there is one to fill in.
func (a *procAttempt) begin() error {
	action, fields := "/link/update", map[string]string{"citizen_number": a.person.CitizenNumber, "consent": "yes"}
	var page procPage
	var err error
	if a.provider {
		action, fields = "/link/proof", map[string]string{"username": a.account.Username, "password": a.account.Password, "consent": "yes"}
		page, err = a.begins.atVNeID(procLanding, map[string]string{"persona": a.person.Key})
	} else {
		page, err = a.begins.atPortal(procLanding, a.account.Username, a.account.Password)
	}
	if err != nil {
		return err
	}
	a.came = page.status
	if form, err := page.fill(action, fields); err == nil {
		a.form = form
	}
	return nil
}

// end sends the form to the other process.
func (a *procAttempt) end() error {
	page, err := a.ends.do(a.form, false)
	a.came = page.status
	a.linked = page.status == http.StatusSeeOther && page.header.Get("Location") == procLanding
	return err
}

// TestAThousandAttemptsAtTwoProcesses has two processes on one PostgreSQL, and
// browsers that begin at one and end at the other. However they meet, the
// ledger keeps every rule, and whoever was told of a link has it.
func TestAThousandAttemptsAtTwoProcesses(t *testing.T) {
	const atOnce, contestsAtOnce = 64, 6
	attempts := 1000
	if testing.Short() {
		attempts = 200
	}
	rounds := (attempts + atOnce - 1) / atOnce
	contests, people, accounts := procContests(rounds * contestsAtOnce)
	w := newProcWorld(t, procWorldConfig{people: people, accounts: accounts})
	database := testserver.StartPostgreSQL(t).Database(t)
	environ := w.environ("LEDGER_URL="+database, "LOG_LEVEL=warn")
	// Which one begins a connection is the balancer's choice, so also of one browser.
	var processes [2]*procChild
	for i := range processes {
		processes[i] = procServe(t, w.environ("LEDGER_URL="+database))
	}

	outcomes := make(map[string]int)
	var all []*procAttempt
	for round := range rounds {
		batch := make([]*procAttempt, min(atOnce, attempts-len(all)))
		for i := range batch {
			contest := contests[round*contestsAtOnce+rand.IntN(contestsAtOnce)]
			a := &procAttempt{person: contest.people[rand.IntN(2)], account: contest.accounts[rand.IntN(2)], provider: rand.IntN(2) == 0}
			first := rand.IntN(2)
			a.begins = newProcBrowser(t, w.public, processes[first].address, nil, nil)
			a.ends = newProcBrowser(t, w.public, processes[1-first].address, nil, nil)
			a.ends.client.Jar = a.begins.client.Jar
			batch[i] = a
		}
		procTogether(t, batch, (*procAttempt).begin)
		procTogether(t, batch, func(a *procAttempt) error {
			if a.form == nil {
				return nil
			}
			return a.end()
		})
		for _, a := range batch {
			assert.Less(t, a.came, 500, "%s at %s", a.person.Key, a.account.ID)
			outcomes[fmt.Sprint(a.came)]++
			a.begins.client.CloseIdleConnections()
			a.ends.client.CloseIdleConnections()
		}
		all = append(all, batch...)
	}
	require.Len(t, all, attempts)
	t.Logf("outcomes: %v", outcomes)

	l, err := ledger.Open(t.Context(), ledger.Config{
		URL: database, Keys: [][]byte{w.key(t, "LEDGER_KEYS")}, IndexKey: w.key(t, "LEDGER_INDEX_KEY"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	confirmed := make(map[identity.AccountID]string)
	for _, a := range all {
		if !a.linked {
			continue
		}
		account := identity.AccountID(a.account.ID)
		if had, told := confirmed[account]; told { // the same person again is no wonder
			assert.Equal(t, had, a.person.CitizenNumber, "%s was given to two", account)
		}
		confirmed[account] = a.person.CitizenNumber
	}
	for account, number := range confirmed {
		link, err := l.ActiveByAccount(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, number, link.Number.Reveal())
	}
	assert.GreaterOrEqual(t, len(confirmed), len(contests), "each contest has a winner")

	// The processes seal what they wrote; the product's own check says the rest.
	var report ledger.Report
	require.Eventually(t, func() bool {
		checked := procStart(t, environ, "ledger", "check")
		require.Zero(t, checked.code(t), checked.stdout.String())
		require.NoError(t, json.Unmarshal([]byte(checked.stdout.String()), &report))
		return report.Audit.Unsealed == 0
	}, procPatience, time.Second)
	assert.EqualValues(t, len(confirmed), report.Active, "nobody was linked without being told")
	assert.Zero(t, report.Ended)
	assert.Zero(t, report.Count)
	t.Logf("%d links of %d attempts, %d audit rows", report.Active, attempts, report.Audit.Last)

	// The key that finds it all is changed while both could serve it.
	next := procServe(t, w.environ("LEDGER_URL="+database, "LEDGER_INDEX_KEY_NEXT="+w.keys["NEXT"]))
	for _, old := range processes {
		old.kill()
	}
	moved := procStart(t, w.environ("LEDGER_URL="+database, "LEDGER_INDEX_KEY_NEXT="+w.keys["NEXT"]), "ledger", "rekey", "--index")
	require.Zero(t, moved.code(t))
	assert.Contains(t, moved.stdout.String(), "found by the new key")
	for _, a := range all {
		if a.linked {
			b := newProcBrowser(t, w.public, next.address, nil, nil)
			page, err := b.atVNeID(procLanding, map[string]string{"persona": a.person.Key})
			require.NoError(t, err)
			assert.Equal(t, procLanding, page.url.RequestURI())
			break
		}
	}
	checked := procStart(t, w.environ("LEDGER_URL="+database, "LEDGER_INDEX_KEY_NEXT="+w.keys["NEXT"]), "ledger", "check")
	assert.Zero(t, checked.code(t), checked.stdout.String())
	for _, said := range []string{next.stderr.String(), moved.stderr.String(), checked.stdout.String()} {
		for _, a := range all[:20] {
			assert.False(t, strings.Contains(said, a.person.CitizenNumber))
		}
	}
}

// procTogether has all of them do it at the same moment.
func procTogether(t *testing.T, all []*procAttempt, do func(*procAttempt) error) {
	t.Helper()
	gate, begin := context.WithCancel(context.Background())
	var done sync.WaitGroup
	for _, a := range all {
		done.Go(func() {
			<-gate.Done()
			assert.NoError(t, do(a))
		})
	}
	begin()
	done.Wait()
}
