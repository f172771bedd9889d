package main_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// procPeople are invented people with one account each and no CCCD there. Every
// other one comes by VNeID first and proves the account by its password.
func procPeople(count int) []vneidtest.Persona {
	people := make([]vneidtest.Persona, count)
	for i := range people {
		number := fmt.Sprintf("099099%06d", i+1)
		people[i] = vneidtest.Persona{
			Key: fmt.Sprintf("p%d", i), Name: "Đỗ Thị Thử Nghiệm", BirthDate: "1990-01-31", CitizenNumber: number, AccountLevel: 2,
			VNeID: vneidtest.VNeIDLogin{Username: number, Password: fmt.Sprintf("vneid-%d", i), Subject: fmt.Sprintf("subject-%d", i)},
			Accounts: []vneidtest.PortalAccount{{
				ID: fmt.Sprintf("tk-%d", i), Username: fmt.Sprintf("thunghiem%d", i), Password: fmt.Sprintf("cong-%d", i),
				Name: "Đỗ Thị Thử Nghiệm", BirthDate: "1990-01-31",
			}},
		}
	}
	return people
}

// procLinker is one of the people on their way to a link.
type procLinker struct {
	person    vneidtest.Persona
	provider  bool // VNeID first
	skips     bool // puts the link off
	waits     bool // comes while the population database is down
	browser   *procBrowser
	confirmed bool // a page has told them so
}

const procLanding = "/ho-so?trang=1"

// link goes as far as the process lives and notes what it was told.
func (l *procLinker) link() error {
	account := l.person.Accounts[0]
	var page procPage
	var err error
	if l.provider {
		page, err = l.browser.atVNeID(procLanding, map[string]string{"persona": l.person.Key})
	} else {
		page, err = l.browser.atPortal(procLanding, account.Username, account.Password)
	}
	if err != nil {
		return err
	}
	if page.url.RequestURI() == procLanding && page.status == http.StatusOK {
		// Recorded the last time, but the answer was lost with the process.
		l.confirmed = true
		return nil
	}
	form, fields, leads := "/link/update", map[string]string{"citizen_number": l.person.CitizenNumber, "consent": "yes"}, procLanding
	switch {
	case l.provider:
		form, fields = "/link/proof", map[string]string{"username": account.Username, "password": account.Password, "consent": "yes"}
	case l.skips:
		form, fields = "/link/skip", nil
	case l.waits:
		leads = "/_vneid/link?" + url.Values{"rd": {procLanding}}.Encode()
	}
	r, err := page.fill(form, fields)
	if err != nil {
		return err
	}
	page, err = l.browser.do(r, false)
	if err != nil {
		return err
	}
	if page.status != http.StatusSeeOther || page.header.Get("Location") != leads {
		return fmt.Errorf("%s answered %d to %s", form, page.status, page.header.Get("Location"))
	}
	l.confirmed = true
	return nil
}

func TestKilledWhilePeopleLink(t *testing.T) {
	const people, atOnce = 110, 4
	w := newProcWorld(t, procWorldConfig{people: procPeople(people)})
	all := make([]*procLinker, people)
	for i, person := range procPeople(people) {
		all[i] = &procLinker{person: person, provider: i%2 == 1}
	}
	rounds, confirmed := 0, 0
	child := procServe(t, w.environ())
	for ; confirmed < people; rounds++ {
		require.Less(t, rounds, people, "no progress")
		confirmed = procKillRound(t, w, child, all, atOnce, min(4+rand.IntN(14), people-confirmed))
		child = procServe(t, w.environ())
		procCheckLinks(t, w, child, all)
	}
	assert.GreaterOrEqual(t, rounds, 6, "killed too seldom to prove anything")
	child.kill()
	procCheckFile(t, w, people)
}

// procKillRound lets people link, several at once, and kills the process a
// little after so many more of them were told that it is done.
func procKillRound(t *testing.T, w *procWorld, child *procChild, all []*procLinker, atOnce, more int) (confirmed int) {
	t.Helper()
	todo := make(chan *procLinker, len(all))
	for _, l := range all {
		if !l.confirmed {
			l.browser = newProcBrowser(t, w.public, child.address, nil, nil)
			todo <- l
		}
	}
	close(todo)
	var (
		workers sync.WaitGroup
		mu      sync.Mutex // guards told and dying
		told    int
		dying   bool
	)
	for range atOnce {
		workers.Go(func() {
			for l := range todo {
				err := l.link()
				mu.Lock()
				if err != nil {
					if !dying {
						assert.NoError(t, err, "%s, while the process was alive", l.person.Key)
					}
					mu.Unlock()
					return
				}
				told++
				if told == more {
					dying = true
					mu.Unlock()
					// Anywhere in the others' requests, between two system
					// calls or in one.
					time.Sleep(time.Duration(rand.IntN(40_000)) * time.Microsecond)
					child.kill()
					return
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	child.kill()
	for _, l := range all {
		if l.confirmed {
			confirmed++
		}
	}
	return confirmed
}

// procCheckLinks asks the restarted process and the ledger itself: what anybody
// was told is there, for the account and the citizen that it was told of.
func procCheckLinks(t *testing.T, w *procWorld, child *procChild, all []*procLinker) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{
		URL: "sqlite://" + w.ledger(), Keys: [][]byte{w.key(t, "LEDGER_KEYS")}, IndexKey: w.key(t, "LEDGER_INDEX_KEY"),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	linked, unsure := 0, 0
	for _, who := range all {
		account := identity.AccountID(who.person.Accounts[0].ID)
		link, err := l.ActiveByAccount(t.Context(), account)
		if err == nil {
			linked++
			assert.Equal(t, who.person.CitizenNumber, link.Number.Reveal())
			assert.True(t, link.Default)
			if !who.confirmed {
				unsure++
			}
			continue
		}
		require.ErrorIs(t, err, ledger.ErrNotFound)
		assert.False(t, who.confirmed, "%s was told of a link that is lost", who.person.Key)
	}
	// At most what was under way when the process died is recorded and untold.
	assert.LessOrEqual(t, unsure, 4)
	procCheckFile(t, w, linked)

	// Whoever holds a session goes on with it, as the same citizen.
	for _, who := range all {
		if !who.confirmed || rand.IntN(4) > 0 {
			continue
		}
		b := newProcBrowser(t, w.public, child.address, nil, nil)
		b.client.Jar = who.browser.client.Jar
		got, err := b.as()
		require.NoError(t, err)
		assert.Equal(t, []string{"linked"}, got["X-Identity-Standing"])
		assert.Equal(t, []string{who.person.CitizenNumber}, got["X-Identity-Citizen-Number"])
		assert.Equal(t, []string{who.person.Accounts[0].ID}, got["X-Forwarded-User"])
	}
}

// procCheckFile counts in the file: nothing double, nothing half, nothing torn.
func procCheckFile(t *testing.T, w *procWorld, linked int) {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(w.ledger()), RawQuery: "_busy_timeout=5000&_query_only=1"}).String())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var verdict string
	require.NoError(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	assert.Equal(t, "ok", verdict)
	for _, count := range []string{
		"SELECT COUNT(*) FROM links WHERE ended_at IS NULL",
		"SELECT COUNT(*) FROM links",
		"SELECT COUNT(DISTINCT account_hmac) FROM links",
		"SELECT COUNT(DISTINCT citizen_id) FROM links",
		"SELECT COUNT(*) FROM citizens",
		"SELECT COUNT(*) FROM consents",
		"SELECT COUNT(*) FROM identifiers WHERE kind = 'number'",
		"SELECT COUNT(*) FROM audit WHERE event = 'linked'",
	} {
		var n int
		require.NoError(t, db.QueryRow(count).Scan(&n))
		assert.Equal(t, linked, n, strings.TrimPrefix(count, "SELECT "))
	}
	// Whoever came back to a link already recorded spent a proof more.
	var spent int
	require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM spent WHERE purpose = 'proof'").Scan(&spent))
	assert.GreaterOrEqual(t, spent, linked)
	rows, err := db.Query("PRAGMA foreign_key_check")
	require.NoError(t, err)
	assert.False(t, rows.Next(), "a row without its parent")
	require.NoError(t, rows.Close())
}
