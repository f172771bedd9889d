package session_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

func begin(t testing.TB, w *world, b browser, provider, returnTo string) session.Attempt {
	t.Helper()
	a := session.NewAttempt(provider, returnTo, w.now)
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Begin(rw, b.request(), a)) })
	return a
}

func states(attempts []session.Attempt) []string {
	var all []string
	for _, a := range attempts {
		all = append(all, a.State)
	}
	return all
}

func TestAttempt(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	begun := begin(t, w, b, "vneid", "/ho-so?trang=2")
	assert.True(t, begun.Expires().Equal(noon.Add(session.AttemptLifetime)))

	found, ok := w.Attempt(b.request(), begun.State)
	require.True(t, ok)
	assert.Equal(t, []string{begun.State, begun.Nonce, begun.Verifier, "vneid", "/ho-so?trang=2"},
		[]string{found.State, found.Nonce, found.Verifier, found.Provider, found.ReturnTo})
	assert.True(t, found.Begun.Equal(noon))
	assert.False(t, found.Spent)

	for _, state := range []string{
		"", begun.State[1:], begun.State + "A", begun.Nonce, begun.Verifier, strings.ToLower(begun.State) + " ",
		session.NewAttempt("vneid", "/", noon).State,
	} {
		_, ok := w.Attempt(b.request(), state)
		assert.False(t, ok, "%q", state)
	}
	_, ok = w.Attempt(browser{}.request(), begun.State)
	assert.False(t, ok, "another browser")

	w.now = begun.Expires().Add(-time.Second)
	_, ok = w.Attempt(b.request(), begun.State)
	assert.True(t, ok)
	assert.Empty(t, w.refused())
	w.now = begun.Expires()
	_, ok = w.Attempt(b.request(), begun.State)
	assert.False(t, ok)
	assert.Equal(t, []string{"attempt expired"}, w.refused())
}

// 256 bits each (RFC 9700, 2.1; RFC 7636, 4.1), never the same.
func TestAttemptSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		a := session.NewAttempt(session.Portal, "/", noon)
		for _, secret := range []string{a.State, a.Nonce, a.Verifier} {
			require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, secret)
			require.False(t, seen[secret])
			seen[secret] = true
		}
	}
}

// A spent attempt keeps where to go and by which name it is asked for, and
// nothing with which a code could be redeemed.
func TestSpentAttempt(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	one := begin(t, w, b, "vneid", "/mot")
	two := begin(t, w, b, "vneid", "/hai")
	before := maps.Clone(b)

	found, ok := w.Attempt(b.request(), one.State)
	require.True(t, ok)
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Spend(rw, found)) })
	require.Len(t, b, 2, "it is written over itself")
	changed := 0
	for name := range b {
		if b[name] != before[name] {
			changed++
		}
	}
	assert.Equal(t, 1, changed)

	spent, ok := w.Attempt(b.request(), one.State)
	require.True(t, ok)
	assert.True(t, spent.Spent)
	assert.Equal(t, "/mot", spent.ReturnTo)
	assert.Empty(t, spent.Nonce+spent.Verifier)
	assert.True(t, spent.Begun.Equal(one.Begun), "it lives no longer for it")

	other, ok := w.Attempt(b.request(), two.State)
	require.True(t, ok)
	assert.False(t, other.Spent)
	assert.Equal(t, two.Verifier, other.Verifier)
}

func TestAtMostEightAttempts(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	var begun []string
	for n := range 3 * session.MaxAttempts {
		begun = append(begun, begin(t, w, b, "vneid", "/").State)
		w.now = w.now.Add(time.Second)
		require.Len(t, b, min(n+1, session.MaxAttempts), "a free place is taken first")
		newest := begun[max(0, len(begun)-session.MaxAttempts):]
		require.ElementsMatch(t, newest, states(w.Attempts(b.request())), "the oldest goes")
	}
	assert.Empty(t, w.refused())
	names := slices.Sorted(maps.Keys(b))
	assert.Equal(t, "__Host-vneid_attempt_0", names[0])
	assert.Equal(t, "__Host-vneid_attempt_7", names[7])
}

// The oldest goes whatever the clock does: tabs that are restored at once begin
// within one millisecond, and a clock is set back by its server.
func TestTheOldestGoesByAnyClock(t *testing.T) {
	for name, step := range map[string]time.Duration{"standing": 0, "set back": -time.Second, "running": time.Microsecond} {
		t.Run(name, func(t *testing.T) {
			w, b := newWorld(t, true), browser{}
			var begun []string
			for range 3 * session.MaxAttempts {
				begun = append(begun, begin(t, w, b, "vneid", "/").State)
				w.now = w.now.Add(step)
			}
			assert.ElementsMatch(t, begun[len(begun)-session.MaxAttempts:], states(w.Attempts(b.request())))
		})
	}
}

// An expired, spoilt or foreign attempt takes no place from a live one.
func TestDeadAttemptsMakeRoom(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	old := begin(t, w, b, "vneid", "/")
	for range session.MaxAttempts - 1 {
		w.now = w.now.Add(time.Minute)
		begin(t, w, b, "vneid", "/")
	}
	w.now = old.Expires()
	live := states(w.Attempts(b.request()))
	require.Len(t, live, session.MaxAttempts-1)
	newest := begin(t, w, b, "vneid", "/")
	assert.ElementsMatch(t, append(live, newest.State), states(w.Attempts(b.request())))

	found, _ := w.Attempt(b.request(), newest.State)
	for name := range b {
		if a := w.Attempts(request(name + "=" + b[name])); len(a) == 1 && a[0].State != found.State {
			b[name] = "spoilt"
			break
		}
	}
	live = states(w.Attempts(b.request()))
	newest = begin(t, w, b, "vneid", "/")
	assert.ElementsMatch(t, append(live, newest.State), states(w.Attempts(b.request())))
}

// The number of its place is part of what is authenticated.
func TestAttemptsDoNotChangePlaces(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	begin(t, w, b, "vneid", "/mot")
	begin(t, w, b, "vneid", "/hai")
	names := slices.Collect(maps.Keys(b))
	require.Len(t, names, 2)
	b[names[0]], b[names[1]] = b[names[1]], b[names[0]]
	assert.Empty(t, w.Attempts(b.request()))
	assert.Equal(t, []string{"attempt forged", "attempt forged"}, w.refused())
}

// Attempts stand beside a session and are no session.
func TestAttemptIsNobody(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	begin(t, w, b, "vneid", "/")
	assert.Nil(t, w.Open(b.request()))
	admit(t, w, b, fullSession(t))
	assert.Len(t, b, 2)
	assert.Len(t, w.Attempts(b.request()), 1)
	assert.IsType(t, &session.Session{}, w.Open(b.request()))
	b.take(t, w.Clear)
	assert.Len(t, w.Attempts(b.request()), 1, "another tab's sign-in goes on")
}

// The longest return path still fits.
func TestLongestAttemptFits(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	path := "/" + strings.Repeat("a", session.MaxReturnTo-1)
	require.Equal(t, path, session.ReturnTo(path, "/_vneid"))
	begun := begin(t, w, b, "national-portal", path)
	found, ok := w.Attempt(b.request(), begun.State)
	require.True(t, ok)
	assert.Equal(t, path, found.ReturnTo)
}
