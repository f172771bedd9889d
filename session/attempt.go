package session

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// MaxAttempts is how many sign-ins one browser may have under way; beyond it
// the oldest goes.
const MaxAttempts = 8

// Attempt is one sign-in under way, one a tab. It is good for AttemptLifetime.
type Attempt struct {
	// State names the attempt: 256 random bits in base64url, sent to the
	// provider as state and compared at the callback (RFC 9700, 2.1).
	State    string
	Nonce    string // bound into the ID token (OpenID Connect Core 3.1.2.1)
	Verifier string // PKCE code verifier (RFC 7636)
	Provider string // which provider, or Portal
	ReturnTo string
	Begun    time.Time
	// Spent says that the attempt was used. It is kept for its return path
	// alone, so that a reload or a late tab can still go to its page.
	Spent bool

	// Demand is what is asked of the provider. Its MaxAge alone is still known
	// at the callback: the answer must then tell the time (OpenID Connect Core
	// 2, auth_time).
	Demand Demand
	// Hint is a user name that the provider's page may begin with; it too is
	// told at the start alone, so that no cookie holds it.
	Hint string

	slot int
}

// Portal is the Provider of an attempt at the portal's own sign-in page.
const Portal = "portal"

// NewAttempt starts an attempt with fresh state, nonce and verifier.
func NewAttempt(provider, returnTo string, now time.Time) Attempt {
	return Attempt{
		State: randomText(), Nonce: randomText(), Verifier: randomText(),
		Provider: provider, ReturnTo: returnTo, Begun: now,
	}
}

func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Expires is when the attempt ends by itself.
func (a Attempt) Expires() time.Time { return a.Begun.Add(AttemptLifetime) }

func (a *Attempt) append(b []byte) []byte {
	for _, s := range []string{a.State, a.Nonce, a.Verifier, a.Provider, a.ReturnTo} {
		b = appendText(b, s)
	}
	return appendFlag(binary.AppendUvarint(appendTime(b, a.Begun), uint64(a.Demand.MaxAge/time.Second)), a.Spent)
}

func (a *Attempt) read(f *fields) {
	a.State, a.Nonce, a.Verifier, a.Provider, a.ReturnTo = f.text(), f.text(), f.text(), f.text(), f.text()
	a.Begun, a.Demand.MaxAge, a.Spent = f.time(), f.seconds(), f.flag()
}

// Attempts returns the attempts that the request carries and that have not
// expired, spent ones included, in no order.
func (j *Jar) Attempts(r *http.Request) []Attempt {
	var found []Attempt
	for slot := range MaxAttempts {
		name := j.attemptNames[slot]
		value, ok := j.value(r, attemptCookie, name)
		if !ok {
			continue
		}
		a := Attempt{slot: slot}
		if j.unseal(attemptCookie, name, value, &a) && j.fresh(attemptCookie, a.Begun, AttemptLifetime) {
			found = append(found, a)
		}
	}
	return found
}

// Attempt finds the attempt that a callback's state names, in constant time
// for each; false where this browser has none such.
func (j *Jar) Attempt(r *http.Request, state string) (Attempt, bool) {
	for _, a := range j.Attempts(r) {
		if state != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1 {
			return a, true
		}
	}
	return Attempt{}, false
}

// Begin writes a new attempt beside those of the request: into a free place
// chosen at random, so that two tabs seldom collide, else over the oldest.
func (j *Jar) Begin(w http.ResponseWriter, r *http.Request, a Attempt) error {
	var free []int
	taken := make(map[int]time.Time)
	for _, other := range j.Attempts(r) {
		taken[other.slot] = other.Begun
	}
	a.Begun = a.Begun.Truncate(time.Millisecond) // as it is sealed
	oldest := -1
	for slot := range MaxAttempts {
		// Which is the oldest must be told even where the clock has not moved
		// on, or was set back a little, since the last one.
		if begun := taken[slot]; !a.Begun.After(begun) && begun.Sub(a.Begun) < time.Minute {
			a.Begun = begun.Add(time.Millisecond)
		}
	}
	for slot := range MaxAttempts {
		begun, used := taken[slot]
		if !used {
			free = append(free, slot)
		} else if oldest < 0 || begun.Before(taken[oldest]) {
			oldest = slot
		}
	}
	a.slot = oldest
	if len(free) > 0 {
		a.slot = free[mathrand.IntN(len(free))]
	}
	return j.seal(w, attemptCookie, j.attemptNames[a.slot], &a)
}

// Spend rewrites an attempt as used: its secrets go, its return path stays.
func (j *Jar) Spend(w http.ResponseWriter, a Attempt) error {
	a.Spent, a.Nonce, a.Verifier = true, "", ""
	return j.seal(w, attemptCookie, j.attemptNames[a.slot], &a)
}

func attemptName(prefix string, slot int) string {
	return prefix + "vneid_attempt_" + strconv.Itoa(slot)
}
