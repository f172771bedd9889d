package session_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// noon is where the clocks of these tests start; whole milliseconds, as
// cookies keep them.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 250e6, time.UTC)

const (
	lifetime = 8 * time.Hour
	idle     = 30 * time.Minute
)

// world is a jar, its clock and what it complained of.
type world struct {
	*session.Jar
	now      time.Time
	refusals []string // "cookie reason"
}

func key(seed byte) []byte { return bytes.Repeat([]byte{seed}, 32) }

func newWorld(t testing.TB, secure bool, keys ...[]byte) *world {
	t.Helper()
	if keys == nil {
		keys = [][]byte{key(1)}
	}
	w := &world{now: noon}
	jar, err := session.NewJar(session.Config{
		Keys: keys, Secure: secure, Lifetime: lifetime, Idle: idle,
		Refused: func(cookie, reason string) { w.refusals = append(w.refusals, cookie+" "+reason) },
		Now:     func() time.Time { return w.now },
	})
	require.NoError(t, err)
	w.Jar = jar
	return w
}

// refused is what the jar complained of since it was last asked.
func (w *world) refused() []string {
	said := w.refusals
	w.refusals = nil
	return said
}

// browser keeps cookies as a browser does: the last of a name counts.
type browser map[string]string

// take lets an answer be written and keeps what it sets.
func (b browser) take(t testing.TB, write func(w http.ResponseWriter)) []*http.Cookie {
	t.Helper()
	recorder := httptest.NewRecorder()
	write(recorder)
	set := recorder.Result().Cookies()
	for _, c := range set {
		if c.MaxAge < 0 {
			delete(b, c.Name)
		} else {
			b[c.Name] = c.Value
		}
	}
	return set
}

func (b browser) request() *http.Request {
	var pairs []string
	for name, value := range b {
		pairs = append(pairs, name+"="+value)
	}
	return request(strings.Join(pairs, "; "))
}

// request carries the Cookie headers given, as they are.
func request(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, header := range cookies {
		if header != "" {
			r.Header["Cookie"] = append(r.Header["Cookie"], header)
		}
	}
	return r
}

func (b browser) only(t testing.TB) (name, value string) {
	t.Helper()
	require.Len(t, b, 1)
	for name, value = range b {
	}
	return name, value
}

func admit(t testing.TB, w *world, b browser, s *session.Session) {
	t.Helper()
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Admit(rw, s)) })
}

func prove(t testing.TB, w *world, b browser, p *session.Proof) {
	t.Helper()
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Prove(rw, p)) })
}

func number(t testing.TB, n int) identity.CitizenNumber {
	t.Helper()
	parsed, err := identity.VouchedCitizenNumber(fmt.Sprintf("099204%06d", n))
	require.NoError(t, err)
	return parsed
}

// fullSession is as large as sessions become in earnest.
func fullSession(t testing.TB) *session.Session {
	return &session.Session{
		ID: session.NewID(), Begun: noon, Sealed: noon, Read: noon,
		Account: session.AccountRef{
			ID: "1048576", Username: "nguyen.phuoc.bao.khuyen",
			Email: "nguyen.phuoc.bao.khuyen@hopthu.example.vn", Kind: identity.KindCitizen,
			Roles: []string{"nop-ho-so", "dai-dien-to-chuc"},
		},
		Citizen: identity.Citizen{
			Provider: "vneid", Subject: "0b9d5c62-1f7e-4f55-8c39-7f8a2f6f4e10", Number: number(t, 1238),
			Name: "Nguyễn Phước Bảo Khuyến Thị Quỳnh Như", BirthDate: identity.BirthDate{Year: 1985, Month: 12, Day: 31},
			AccountLevel: 2, AuthenticationLevel: "3", AccountType: "person",
		},
		Standing: identity.StandingLinked, Authenticated: noon,
		ProviderSID: "5d0cbd5a6f0c4f5e", Tokens: session.NewID(),
	}
}

func fullProof(t testing.TB) *session.Proof {
	return &session.Proof{
		ID: session.NewID(), Begun: noon, ReturnTo: "/ho-so/tra-cuu?ma=099-2026-0001", Authenticated: noon,
		Citizen: identity.Citizen{
			Provider: "vneid", Subject: "0b9d5c62-1f7e-4f55-8c39-7f8a2f6f4e10", Number: number(t, 1238),
			Name: "Nguyễn Phước Bảo Khuyến", BirthDate: identity.BirthDate{Year: 1985}, AccountLevel: 2,
		},
		ProviderSID: "5d0cbd5a", Tokens: session.NewID(),
	}
}
