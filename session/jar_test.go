package session_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

func TestNewJarRefuses(t *testing.T) {
	good := session.Config{Keys: [][]byte{key(1)}, Lifetime: time.Hour, Idle: time.Minute}
	_, err := session.NewJar(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(c *session.Config){
		"no key":            func(c *session.Config) { c.Keys = nil },
		"short key":         func(c *session.Config) { c.Keys = [][]byte{key(1)[:31]} },
		"long key":          func(c *session.Config) { c.Keys = [][]byte{append(key(1), 1)} },
		"second key empty":  func(c *session.Config) { c.Keys = [][]byte{key(1), nil} },
		"no lifetime":       func(c *session.Config) { c.Lifetime = 0 },
		"negative lifetime": func(c *session.Config) { c.Lifetime = -1 },
		"no idle time":      func(c *session.Config) { c.Idle = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			spoil(&bad)
			jar, err := session.NewJar(bad)
			assert.Error(t, err)
			assert.Nil(t, jar)
		})
	}
}

// A zero clock and nobody to tell are fine.
func TestJarDefaults(t *testing.T) {
	jar, err := session.NewJar(session.Config{Keys: [][]byte{key(1)}, Lifetime: time.Hour, Idle: time.Hour})
	require.NoError(t, err)
	b := browser{}
	b.take(t, func(w http.ResponseWriter) {
		require.NoError(t, jar.Admit(w, &session.Session{ID: session.NewID(), Begun: time.Now()}))
	})
	assert.IsType(t, &session.Session{}, jar.Open(b.request()))
	name, _ := b.only(t)
	assert.Nil(t, jar.Open(request(name+"=forged")))
}

func TestOpenGivesWhatWasSealed(t *testing.T) {
	w := newWorld(t, true)
	b := browser{}
	require.Nil(t, w.Open(b.request()))

	s := fullSession(t)
	admit(t, w, b, s)
	got := w.Open(b.request()).(*session.Session)
	assert.True(t, got.Begun.Equal(noon) && got.Sealed.Equal(noon) && got.Read.Equal(noon) && got.Authenticated.Equal(noon))
	got.Begun, got.Sealed, got.Read, got.Authenticated = noon, noon, noon, noon
	assert.Equal(t, s, got)

	p := fullProof(t)
	prove(t, w, b, p)
	proof := w.Open(b.request()).(*session.Proof)
	assert.True(t, proof.Begun.Equal(p.Begun))
	assert.True(t, proof.Authenticated.Equal(p.Authenticated))
	proof.Begun, proof.Authenticated = p.Begun, p.Authenticated
	assert.Equal(t, p, proof)
	assert.False(t, proof.LegacyFirst())
	assert.Empty(t, w.refused())
}

// The design promises less than 700 bytes, name included.
func TestSessionCookieIsSmall(t *testing.T) {
	b := browser{}
	admit(t, newWorld(t, true), b, fullSession(t))
	name, value := b.only(t)
	assert.Less(t, len(name)+len("=")+len(value), 700)

	acting := fullSession(t)
	acting.Account.Roles, acting.Account.Kind = nil, identity.KindOrganisation
	acting.Citizen.Organisation = identity.Organisation{
		ID: "9900000015", Name: "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN THỬ NGHIỆM MINH HÀ", Role: "Người đại diện theo pháp luật",
	}
	b = browser{}
	admit(t, newWorld(t, true), b, acting)
	name, value = b.only(t)
	assert.Less(t, len(name)+len("=")+len(value), 900, "an organisation has a long name")
}

// Browsers silently drop a cookie whose name and value exceed 4096 bytes
// (RFC 6265bis, 5.6): better an error than a sign-in that goes round in a ring.
func TestCookieThatNoBrowserKeeps(t *testing.T) {
	w := newWorld(t, true)
	largest := 0
	for size := 1500; size < 3000; size++ {
		s := &session.Session{ID: session.NewID(), Begun: noon, ProviderSID: strings.Repeat("x", size)}
		recorder := httptest.NewRecorder()
		if err := w.Admit(recorder, s); err != nil {
			assert.Empty(t, recorder.Result().Cookies(), "an error writes nothing")
			break
		}
		c := recorder.Result().Cookies()[0]
		require.LessOrEqual(t, len(c.Name)+len(c.Value), 4096)
		largest = size
	}
	assert.Greater(t, largest, 1500, "some did fit")
	assert.Less(t, largest, 2999, "some did not")
}

func TestCookieAttributes(t *testing.T) {
	for _, secure := range []bool{true, false} {
		prefix, suffix := "", "; Path=/; HttpOnly; SameSite=Lax"
		if secure {
			prefix, suffix = "__Host-", "; Path=/; HttpOnly; Secure; SameSite=Lax"
		}
		removed := strings.Replace(suffix, "; HttpOnly", "; Max-Age=0; HttpOnly", 1)
		w := newWorld(t, secure)
		headers := func(write func(rw http.ResponseWriter)) []string {
			recorder := httptest.NewRecorder()
			write(recorder)
			return recorder.Header()["Set-Cookie"]
		}
		// value is what lies between the name and the attributes.
		value := func(header, name, attributes string) string {
			require.True(t, strings.HasPrefix(header, name+"=") && strings.HasSuffix(header, attributes), header)
			return header[len(name)+1 : len(header)-len(attributes)]
		}

		got := headers(func(rw http.ResponseWriter) { require.NoError(t, w.Admit(rw, fullSession(t))) })
		require.Len(t, got, 2)
		assert.NotContains(t, value(got[0], prefix+"vneid_session", suffix), ";")
		assert.Equal(t, prefix+"vneid_proof="+removed, got[1])

		got = headers(func(rw http.ResponseWriter) { require.NoError(t, w.Prove(rw, fullProof(t))) })
		require.Len(t, got, 2)
		assert.NotContains(t, value(got[0], prefix+"vneid_proof", suffix), ";")
		assert.Equal(t, prefix+"vneid_session="+removed, got[1])

		got = headers(w.Clear)
		assert.ElementsMatch(t, []string{prefix + "vneid_session=" + removed, prefix + "vneid_proof=" + removed}, got)

		got = headers(func(rw http.ResponseWriter) {
			require.NoError(t, w.Begin(rw, request(), session.NewAttempt("vneid", "/", noon)))
		})
		require.Len(t, got, 1)
		name, _, _ := strings.Cut(got[0], "=")
		assert.Regexp(t, "^"+prefix+"vneid_attempt_[0-7]$", name)
		assert.NotContains(t, value(got[0], name, suffix), ";")
	}
}

// A browser never holds a proof and a session at once.
func TestAdmitAndProveExclude(t *testing.T) {
	w := newWorld(t, true)
	b := browser{}
	prove(t, w, b, fullProof(t))
	assert.IsType(t, &session.Proof{}, w.Open(b.request()))
	require.Len(t, b, 1)
	admit(t, w, b, fullSession(t))
	assert.IsType(t, &session.Session{}, w.Open(b.request()))
	require.Len(t, b, 1)
	prove(t, w, b, fullProof(t))
	assert.IsType(t, &session.Proof{}, w.Open(b.request()))
	require.Len(t, b, 1)
	b.take(t, w.Clear)
	assert.Empty(t, b)
}

// An answer that never arrived can leave both: the session wins, and where it
// is spoilt or over the proof is what remains.
func TestSessionBesideProof(t *testing.T) {
	w := newWorld(t, true)
	a, b := browser{}, browser{}
	admit(t, w, a, fullSession(t))
	prove(t, w, b, fullProof(t))
	sessionName, sealed := a.only(t)
	b[sessionName] = sealed
	assert.IsType(t, &session.Session{}, w.Open(b.request()))
	b[sessionName] = sealed[:40]
	assert.IsType(t, &session.Proof{}, w.Open(b.request()))
	assert.Equal(t, []string{"session forged"}, w.refused())
}

func TestExpiry(t *testing.T) {
	tests := []struct {
		name  string
		begun time.Duration // from noon
		after time.Duration // since sealed at noon
		alive bool
	}{
		{"at once", 0, 0, true},
		{"shortly before the idle time is over", 0, idle - time.Second, true},
		{"idle time over", 0, idle, false},
		{"long over", 0, 1000 * time.Hour, false},
		{"shortly before the lifetime is over", -lifetime + time.Minute, time.Minute - time.Second, true},
		{"lifetime over, though just used", -lifetime + time.Minute, time.Minute, false},
		{"another replica's clock is a minute ahead", 0, -time.Minute, true},
		{"from the future", 0, -3 * time.Minute, false},
		{"begun in the future", 3 * time.Minute, 0, false},
	}
	for _, tt := range tests {
		t.Run("session "+tt.name, func(t *testing.T) {
			w, b := newWorld(t, true), browser{}
			s := fullSession(t)
			s.Begun = noon.Add(tt.begun)
			admit(t, w, b, s)
			w.now = noon.Add(tt.after)
			if tt.alive {
				assert.NotNil(t, w.Open(b.request()))
				assert.Empty(t, w.refused())
				return
			}
			assert.Nil(t, w.Open(b.request()))
			assert.Equal(t, []string{"session expired"}, w.refused())
		})
	}
	t.Run("proof", func(t *testing.T) {
		w, b := newWorld(t, true), browser{}
		p := fullProof(t)
		prove(t, w, b, p)
		assert.True(t, p.Expires().Equal(noon.Add(session.ProofLifetime)))
		w.now = p.Expires().Add(-time.Second)
		assert.NotNil(t, w.Open(b.request()))
		w.now = p.Expires()
		assert.Nil(t, w.Open(b.request()))
		assert.Equal(t, []string{"proof expired"}, w.refused())
	})
}

func TestRefreshOnlyAfterAFifth(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	s := fullSession(t)
	admit(t, w, b, s)
	_, before := b.only(t)

	w.now = noon.Add(idle/5 - time.Second)
	set := b.take(t, func(rw http.ResponseWriter) { assert.False(t, w.Refresh(rw, s)) })
	assert.Empty(t, set)

	w.now = noon.Add(idle / 5)
	set = b.take(t, func(rw http.ResponseWriter) { assert.True(t, w.Refresh(rw, s)) })
	require.Len(t, set, 1)
	_, after := b.only(t)
	assert.NotEqual(t, before, after)

	got := w.Open(b.request()).(*session.Session)
	assert.Equal(t, s.ID, got.ID, "the same session")
	assert.True(t, got.Begun.Equal(noon), "the absolute lifetime goes on")
	assert.True(t, got.Sealed.Equal(w.now))
	assert.True(t, s.Sealed.Equal(noon), "the caller's copy stays as opened")

	w.now = w.now.Add(idle - time.Second)
	assert.NotNil(t, w.Open(b.request()))
}

// Refreshed as often as one likes, a session ends with its lifetime.
func TestRefreshNeverOutlivesLifetime(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	admit(t, w, b, fullSession(t))
	for ; w.now.Before(noon.Add(lifetime)); w.now = w.now.Add(idle / 2) {
		stage := w.Open(b.request())
		require.NotNil(t, stage, "at %s", w.now)
		b.take(t, func(rw http.ResponseWriter) { w.Refresh(rw, stage.(*session.Session)) })
	}
	assert.Nil(t, w.Open(b.request()))
}

func TestEnds(t *testing.T) {
	w := newWorld(t, true)
	s := &session.Session{Begun: noon, Sealed: noon}
	assert.Equal(t, noon.Add(idle), w.Ends(s))
	s.Sealed = noon.Add(lifetime - time.Minute)
	assert.Equal(t, noon.Add(lifetime), w.Ends(s))
}

// A refusal that comes late must not take the session that a twin of its
// request has just begun.
func TestDropLeavesTheSession(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	proof := &session.Proof{ID: session.NewID(), Begun: noon, ReturnTo: "/"}
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Prove(rw, proof)) })
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Admit(rw, fullSession(t))) })
	b.take(t, func(rw http.ResponseWriter) { w.Drop(rw) })
	assert.IsType(t, &session.Session{}, w.Open(b.request()))
	b.take(t, func(rw http.ResponseWriter) { require.NoError(t, w.Prove(rw, proof)) })
	b.take(t, func(rw http.ResponseWriter) { w.Drop(rw) })
	assert.Nil(t, w.Open(b.request()))
}

func TestIDsDiffer(t *testing.T) {
	seen := map[session.ID]bool{{}: true}
	for range 1000 {
		id := session.NewID()
		require.False(t, seen[id])
		seen[id] = true
	}
}

// Over a real connection, as a browser would carry it.
func TestOverSockets(t *testing.T) {
	w := newWorld(t, true)
	s := fullSession(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/in":
			_ = w.Admit(rw, s)
		case "/out":
			w.Clear(rw)
		default:
			if opened, ok := w.Open(r).(*session.Session); ok {
				_, _ = io.WriteString(rw, string(opened.Account.ID))
			}
		}
	}))
	defer server.Close()
	cookies, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: cookies, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}}
	defer client.CloseIdleConnections()
	get := func(path string) string {
		answer, err := client.Get(server.URL + path)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body)
	}
	assert.Empty(t, get("/"))
	get("/in")
	assert.Equal(t, string(s.Account.ID), get("/"))
	get("/out")
	assert.Empty(t, get("/"))
}
