package session_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

func TestOurs(t *testing.T) {
	for _, name := range []string{
		"__Host-vneid_session", "__Host-vneid_proof", "__Host-vneid_attempt_0", "vneid_session", "vneid_attempt_7",
		"__Secure-vneid_session", "__HOST-VNEID_SESSION", "__host-vneid_session", "Vneid_Session", "VNEID_PROOF",
		" __Host-vneid_session", "__Host-vneid_session ", "\tvneid_session\t", "\u00a0vneid_session", "\u3000vneid_session",
		"\u2003vneid_session\u2003", "\u0085vneid_session", "vneid_", "vneid_anything",
		"\nvneid_session", "\v\fvneid_session",
	} {
		assert.True(t, session.Ours(name), "%q", name)
	}
	for _, name := range []string{
		"", "vneid", "vneidsession", "vneid-session", "xvneid_session", "my_vneid_session", "__Host-session",
		"__Host-xvneid_session", "JSESSIONID", "session", "__Host-", "_vneid_session", "vneid.session", "v neid_session",
	} {
		assert.False(t, session.Ours(name), "%q", name)
	}
}

func TestStrip(t *testing.T) {
	const ours = "__Host-vneid_session=abc"
	tests := []struct {
		name       string
		sent, kept []string
	}{
		{"none", nil, nil},
		{"theirs alone", []string{"a=b; c=d"}, []string{"a=b; c=d"}},
		{"ours alone", []string{ours}, nil},
		{"ours first", []string{ours + "; a=b"}, []string{"a=b"}},
		{"ours last", []string{"a=b; " + ours}, []string{"a=b"}},
		{"ours between", []string{"a=b; " + ours + "; c=d"}, []string{"a=b; c=d"}},
		{"all of ours", []string{ours + "; __Host-vneid_proof=x; vneid_attempt_3=y; a=b"}, []string{"a=b"}},
		{"doubled", []string{ours + "; " + ours + "; a=b; " + ours}, []string{"a=b"}},
		{"two headers", []string{"a=b", ours + "; c=d"}, []string{"a=b", "c=d"}},
		{"a header of ours", []string{ours, "a=b"}, []string{"a=b"}},
		{"headers of ours alone", []string{ours, "__Host-vneid_proof=x"}, nil},
		{"without blank", []string{"a=b;" + ours + ";c=d"}, []string{"a=b;c=d"}},
		{"tab", []string{ours + ";\ta=b"}, []string{"a=b"}},
		{"case", []string{"__HOST-VNEID_SESSION=x; a=b; VnEiD_Proof=y"}, []string{"a=b"}},
		{"blank in the name", []string{"__Host-vneid_session =x; a=b"}, []string{"a=b"}},
		{"unicode blank", []string{"\u00a0__Host-vneid_session\u2003=x; a=b"}, []string{"a=b"}},
		{"no value", []string{"vneid_session; a=b"}, []string{"a=b"}},
		{"empty value", []string{"vneid_session=; a=b"}, []string{"a=b"}},
		{"trailing separator", []string{ours + ";"}, nil},

		{"odd bytes of theirs", []string{`a="x y"; b=c,d=e; ` + "c=\u1ec7\xff; d==; =e; f; " + ours + "; g= h "}, []string{`a="x y"; b=c,d=e; ` + "c=\u1ec7\xff; d==; =e; f; g= h "}},
		{"the same name twice, theirs", []string{"a=1; a=2; " + ours}, []string{"a=1; a=2"}},
		{"empty pairs of theirs", []string{"a=b;; ;c=d; " + ours}, []string{"a=b;; ;c=d"}},
		{"ours in a value", []string{"a=vneid_session; b=x"}, []string{"a=vneid_session; b=x"}},
		{"ours in a value, beside ours", []string{"a=vneid_session=1; " + ours}, []string{"a=vneid_session=1"}},
		{"like ours", []string{"xvneid_session=1; vneid=2"}, []string{"xvneid_session=1; vneid=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Accept": {"text/html"}}
			if tt.sent != nil {
				h["Cookie"] = tt.sent
			}
			before := strings.Join(tt.sent, "\n")
			session.Strip(h)
			assert.Equal(t, tt.kept, h["Cookie"])
			if tt.kept == nil {
				assert.NotContains(t, h, "Cookie", "no empty header is left")
			}
			assert.Equal(t, []string{"text/html"}, h["Accept"])
			assert.Equal(t, before, strings.Join(tt.sent, "\n"), "the slice may be shared with the request that came in")
		})
	}
}

const portalCookies = "JSESSIONID=0A1B2C3D4E5F60718293A4B5C6D7E8F9; GUEST_LANGUAGE_ID=vi_VN; cookiesession1=678B2A10CDEFGHIJ"

func BenchmarkOpen(b *testing.B) {
	w, holder := newWorld(b, true), browser{}
	admit(b, w, holder, fullSession(b))
	name, value := holder.only(b)
	for what, r := range map[string]*http.Request{
		"no cookies":     request(),
		"portal cookies": request(portalCookies),
		"session":        request(portalCookies + "; " + name + "=" + value),
		"forged":         request(portalCookies + "; " + name + "=" + value[1:]),
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Open(r)
			}
			w.refused()
		})
	}
}

func BenchmarkStrip(b *testing.B) {
	w, holder := newWorld(b, true), browser{}
	admit(b, w, holder, fullSession(b))
	name, value := holder.only(b)
	for what, header := range map[string][]string{
		"no cookies":     nil,
		"portal cookies": {portalCookies},
		"session":        {portalCookies + "; " + name + "=" + value},
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			h := http.Header{}
			for b.Loop() {
				h["Cookie"] = header
				session.Strip(h)
			}
		})
	}
}

// Most requests of a busy portal carry cookies of the portal's alone: looking
// at them makes no garbage.
func TestOthersCookiesCostNothing(t *testing.T) {
	w := newWorld(t, true)
	r := request(portalCookies)
	require.Zero(t, testing.AllocsPerRun(100, func() { w.Open(r) }), "Open")
	require.Zero(t, testing.AllocsPerRun(100, func() { session.Strip(r.Header) }), "Strip")
}
