package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// questions is a population database that knows what it was asked, by citizen
// number.
type questions struct {
	address string

	mu          sync.Mutex // guards what follows
	connections int        // that are open
	asked       map[string]int
	all         int
	slow        time.Duration // each answer takes up to so long
	down        bool          // answers 503
}

func newQuestions(t *testing.T, people []vneidtest.Persona, token string) *questions {
	t.Helper()
	q := &questions{asked: map[string]int{}}
	simulated, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{Token: token, Personas: people})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // half a question is none
		var question struct {
			Number string `json:"citizen_number"`
		}
		if json.Unmarshal(body, &question) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		q.mu.Lock()
		q.asked[question.Number]++
		q.all++
		slow, down := q.slow, q.down
		q.mu.Unlock()
		time.Sleep(time.Duration(rand.Int64N(int64(slow + 1))))
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		simulated.ServeHTTP(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		q.mu.Lock()
		defer q.mu.Unlock()
		switch state {
		case http.StateNew:
			q.connections++
		case http.StateClosed:
			q.connections--
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	q.address = server.URL
	return q
}

// answers sets how from now on.
func (q *questions) answers(slow time.Duration, down bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slow, q.down = slow, down
}

// heard waits until whatever a dead process has sent was read to its end.
func (q *questions) heard(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.connections == 0
	}, procPatience, time.Millisecond)
}

// matchWorld is a world whose population database is watched.
func matchWorld(t *testing.T, people []vneidtest.Persona) (w *procWorld, q *questions) {
	t.Helper()
	w = newProcWorld(t, procWorldConfig{people: people})
	q = newQuestions(t, people, w.keys["POPULATION_TOKEN"])
	w.population = q.address
	return w, q
}

func (q *questions) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all
}

func (q *questions) times(p vneidtest.Persona) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.asked[p.CitizenNumber]
}

// typed are people whose account has their number, typed by somebody; every
// fifth account has another person's name.
func typed(count int) []vneidtest.Persona {
	people := procPeople(count)
	for i := range people {
		account := &people[i].Accounts[0]
		account.CitizenNumber = people[i].CitizenNumber
		if i%5 == 0 {
			account.Name = "Mẫu Thị Khác"
		}
	}
	return people
}

func openProcLedger(t *testing.T, w *procWorld) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{
		URL: "sqlite://" + w.ledger(), Keys: [][]byte{w.key(t, "LEDGER_KEYS")}, IndexKey: w.key(t, "LEDGER_INDEX_KEY"),
	})
	require.NoError(t, err)
	return l
}

// cleanStates are what the ledger holds of people's accounts, in their order.
func cleanStates(t *testing.T, w *procWorld, people []vneidtest.Persona) (states []ledger.CleanState) {
	t.Helper()
	l := openProcLedger(t, w)
	defer func() { require.NoError(t, l.Close()) }()
	var all []ledger.CleanQuestion
	for _, p := range people {
		account := p.Accounts[0]
		number, err := identity.VouchedCitizenNumber(account.CitizenNumber)
		require.NoError(t, err)
		born, err := identity.ParseBirthDate(account.BirthDate)
		require.NoError(t, err)
		all = append(all, ledger.CleanQuestion{
			Account: identity.AccountID(account.ID), Number: number, Name: identity.StateName(account.Name), BirthDate: born, Cohort: "citizen",
		})
	}
	for some := range slices.Chunk(all, 400) {
		found, err := l.Cleaned(t.Context(), some)
		require.NoError(t, err)
		for _, f := range found {
			states = append(states, f.State)
		}
	}
	return states
}

// A run that is killed at any moment and begun again asks about nobody twice
// but for those whose question was open, and leaves nobody out.
func TestMatchKilledTwentyTimes(t *testing.T) {
	const kills, workers = 20, 4
	people := typed(800)
	w, q := matchWorld(t, people)
	q.answers(20*time.Millisecond, false)
	environ := w.environ()
	start := func() *procChild {
		return procStart(t, environ, "accounts", "match", "--rate", "1000", "--workers", fmt.Sprint(workers))
	}
	open := make([]int, len(people)) // how often a kill met a question that had left for the account
	seen := make([]int, len(people)) // how often it had been asked about before that run
	for kill := range kills {
		before, more := q.count(), 1+rand.IntN(30)
		c := start()
		require.Eventually(t, func() bool { return q.count() >= before+more || c.over() }, procPatience, time.Millisecond)
		require.False(t, c.over(), "kill %d came too late: %s", kill, c.stdout.String())
		time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond) // anywhere between two system calls, or in one
		c.kill()
		q.heard(t)
		inFlight := 0
		for i, state := range cleanStates(t, w, people) {
			// One of an earlier run may still be set aside.
			if times := q.times(people[i]); times > seen[i] {
				seen[i] = times
				if state == ledger.CleanAsking {
					inFlight++
					open[i]++
				}
			}
		}
		assert.LessOrEqual(t, inFlight, workers)
	}
	asked := q.count()
	c := start()
	require.Zero(t, c.code(t), c.stderr.String())
	assert.Greater(t, q.count(), asked, "there was nothing left for the last run")

	again, most := 0, 0
	states := cleanStates(t, w, people)
	for i, p := range people {
		times := q.times(p)
		assert.GreaterOrEqual(t, times, 1, "%s was never asked about", p.Key)
		assert.LessOrEqual(t, times, 1+open[i], "%s was asked about again without need", p.Key)
		again, most = again+times-1, most+open[i]
		want := ledger.CleanConfirmed
		if i%5 == 0 {
			want = ledger.CleanNotMatched
		}
		assert.Equal(t, want, states[i], p.Key)
	}
	assert.LessOrEqual(t, again, most)
	t.Logf("%d kills, %d accounts, %d questions, %d of them again, %d had been open at a kill", kills, len(people), q.count(), again, most)

	// Nobody is linked by any of it, and a further run has nothing to ask.
	l := openProcLedger(t, w)
	for _, p := range people[:5] {
		_, err := l.ActiveByAccount(t.Context(), identity.AccountID(p.Accounts[0].ID))
		assert.ErrorIs(t, err, ledger.ErrNotFound)
	}
	require.NoError(t, l.Close())
	asked = q.count()
	c = start()
	require.Zero(t, c.code(t), c.stderr.String())
	assert.Equal(t, asked, q.count())
}

func TestMatchStopsWhenTold(t *testing.T) {
	people := typed(200)
	w, q := matchWorld(t, people)
	q.answers(10*time.Millisecond, false)
	c := procStart(t, w.environ(), "accounts", "match", "--rate", "1000")
	require.Eventually(t, func() bool { return q.count() > 20 || c.over() }, procPatience, time.Millisecond)
	c.signal(t, syscall.SIGINT)
	require.Zero(t, c.code(t), c.stderr.String())
	assert.Contains(t, c.stdout.String(), "run the same command again to go on")
	done := 0
	for _, state := range cleanStates(t, w, people) {
		assert.NotEqual(t, ledger.CleanAsking, state, "a question was left open")
		if state != "" {
			done++
		}
	}
	assert.Equal(t, q.count(), done)
	assert.Less(t, done, len(people))
	c = procStart(t, w.environ(), "accounts", "match", "--rate", "1000")
	require.Zero(t, c.code(t), c.stderr.String())
	assert.Equal(t, len(people), q.count(), "nobody is asked about twice")
}

func TestMatchKeepsToItsDay(t *testing.T) {
	people := typed(30)
	w, q := matchWorld(t, people)
	for range 2 { // the second run has nothing left of the day, unless midnight has come
		c := procStart(t, w.environ(), "accounts", "match", "--rate", "1000", "--per-day", "12")
		require.Zero(t, c.code(t), c.stderr.String())
		assert.Contains(t, c.stdout.String(), "after midnight")
	}
	assert.Contains(t, []int{12, 24}, q.count())
}

func TestMatchGivesUpOnSilence(t *testing.T) {
	people := typed(30)
	w, q := matchWorld(t, people)
	q.answers(0, true)
	c := procStart(t, w.environ(), "accounts", "match", "--rate", "1000", "--give-up", "1s")
	assert.Equal(t, 1, c.code(t))
	assert.Contains(t, c.stderr.String(), "gives no answer")
	for _, p := range people {
		assert.NotContains(t, c.stdout.String()+c.stderr.String(), p.CitizenNumber)
	}
	q.answers(0, false)
	c = procStart(t, w.environ(), "accounts", "match", "--rate", "1000")
	require.Zero(t, c.code(t), c.stderr.String())
	for i, state := range cleanStates(t, w, people) {
		assert.NotContains(t, []ledger.CleanState{"", ledger.CleanAsking, ledger.CleanUnanswered}, state, people[i].Key)
	}
	assert.True(t, strings.Contains(c.stdout.String(), "confirmed 24, not matched 6, unanswered 0"), c.stdout.String())
}
