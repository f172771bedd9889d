package directory_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

const private = "099202000345"

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func serve(t testing.TB, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func credential(t testing.TB, address string, timeout time.Duration) *directory.HTTPCredential {
	c, err := directory.NewHTTPCredential(directory.CredentialConfig{URL: address + "/check", Token: "secret", Timeout: timeout})
	require.NoError(t, err)
	return c
}

func whoAmI(t testing.TB, address string, timeout time.Duration) *directory.WhoAmI {
	w, err := directory.NewWhoAmI(directory.WhoAmIConfig{URL: address + "/me", Cookies: []string{"ASP.NET_SessionId", "JSESSIONID"}, Timeout: timeout})
	require.NoError(t, err)
	return w
}

func visitor(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/page?x=y", strings.NewReader("body"))
	r.Header["Cookie"] = cookies
	r.Header.Set("Authorization", "Basic abc")
	r.Header.Set("X-Forwarded-User", "eve")
	return r
}

func TestCredentialSpeaksTheWire(t *testing.T) {
	var asked *http.Request
	var body map[string]any
	c := credential(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r
		_ = json.NewDecoder(r.Body).Decode(&body)
		reply(200, `{"account_id":"17"}`)(w, r)
	}), 0)
	id, err := c.Check(t.Context(), "nguyễn văn á", ` mật "khẩu" `)
	require.NoError(t, err)
	assert.Equal(t, identity.AccountID("17"), id)
	assert.Equal(t, "POST /check", asked.Method+" "+asked.RequestURI)
	assert.Equal(t, "Bearer secret", asked.Header.Get("Authorization"))
	assert.Equal(t, "application/json", asked.Header.Get("Content-Type"))
	assert.Equal(t, map[string]any{"username": "nguyễn văn á", "password": ` mật "khẩu" `}, body)
}

func TestCredentialNotAsked(t *testing.T) {
	var asked atomic.Int32
	c := credential(t, serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) }), 0)
	for _, pair := range [][2]string{{"", "p"}, {"u", ""}, {"u\xff", "p"}, {"u", "p\xff"}} {
		_, err := c.Check(t.Context(), pair[0], pair[1])
		assert.Equal(t, directory.ErrWrong, err)
	}
	assert.Zero(t, asked.Load())
}

// TestReplies gives the same answers to both questions.
func TestReplies(t *testing.T) {
	for name, test := range map[string]struct {
		reply              http.HandlerFunc
		credential, whoAmI error
	}{
		"exact":         {reply(200, ` {"account_id":"17"} `), nil, nil},
		"with username": {reply(200, `{"account_id":"17","username":"`+private+`"}`), directory.ErrMalformed, nil},
		"401":           {reply(401, `{"account_id":"17"}`), directory.ErrWrong, directory.ErrNobody},
		"403":           {reply(403, ``), directory.ErrUnavailable, directory.ErrNobody},
		"423":           {reply(423, ``), directory.ErrLocked, directory.ErrUnavailable},
		"429":           {reply(429, ``), directory.ErrUnavailable, directory.ErrUnavailable},
		"500":           {reply(500, `{"account_id":"17"}`), directory.ErrUnavailable, directory.ErrUnavailable},
		"201":           {reply(201, `{"account_id":"17"}`), directory.ErrUnavailable, directory.ErrUnavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login", http.StatusTemporaryRedirect)
		}, directory.ErrUnavailable, directory.ErrUnavailable},
		"hangs up":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, directory.ErrUnavailable, directory.ErrUnavailable},
		"html":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) }, directory.ErrMalformed, directory.ErrMalformed},
		"no id":           {reply(200, `{}`), directory.ErrMalformed, directory.ErrMalformed},
		"null id":         {reply(200, `{"account_id":null}`), directory.ErrMalformed, directory.ErrMalformed},
		"empty id":        {reply(200, `{"account_id":""}`), directory.ErrMalformed, directory.ErrMalformed},
		"id as number":    {reply(200, `{"account_id":17}`), directory.ErrMalformed, directory.ErrMalformed},
		"id breaks lines": {reply(200, `{"account_id":"17\r\nX: y"}`), directory.ErrMalformed, directory.ErrMalformed},
		"id too long":     {reply(200, `{"account_id":"`+strings.Repeat("1", 256)+`"}`), directory.ErrMalformed, directory.ErrMalformed},
		"twice":           {reply(200, `{"account_id":"17","account_id":"18"}`), directory.ErrMalformed, directory.ErrMalformed},
		"folded":          {reply(200, `{"Account_Id":"17"}`), directory.ErrMalformed, directory.ErrMalformed},
		"says more":       {reply(200, `{"account_id":"17","citizen_number":"`+private+`"}`), directory.ErrMalformed, directory.ErrMalformed},
		"trailing":        {reply(200, `{"account_id":"17"}{"account_id":"18"}`), directory.ErrMalformed, directory.ErrMalformed},
		"huge":            {reply(200, `{"account_id":"17"}`+strings.Repeat(" ", 300<<10)), directory.ErrMalformed, directory.ErrMalformed},
		"null whole":      {reply(200, `null`), directory.ErrMalformed, directory.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, test.reply)
			judge := func(id identity.AccountID, err, want error) {
				if want == nil {
					require.NoError(t, err)
					assert.Equal(t, identity.AccountID("17"), id)
					return
				}
				require.ErrorIs(t, err, want)
				assert.Empty(t, id)
				for _, hidden := range []string{private, "secret", "127.0.0.1", "password"} {
					assert.NotContains(t, strings.ReplaceAll(fmt.Sprintf("%v", err), "wrong user name or password", ""), hidden)
				}
			}
			id, err := credential(t, address, 0).Check(t.Context(), private, "password")
			judge(id, err, test.credential)
			id, err = whoAmI(t, address, 0).Ask(t.Context(), visitor("JSESSIONID="+private))
			judge(id, err, test.whoAmI)
		})
	}
}

func TestSlowPortal(t *testing.T) {
	over := make(chan struct{})
	address := serve(t, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	_, err := credential(t, address, 50*time.Millisecond).Check(t.Context(), "u", "p")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
	_, err = whoAmI(t, address, 50*time.Millisecond).Ask(t.Context(), visitor("JSESSIONID=x"))
	require.ErrorIs(t, err, directory.ErrUnavailable)
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
}

func TestWhoAmISendsItsCookiesAlone(t *testing.T) {
	var asked *http.Request
	w := whoAmI(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r
		reply(200, `{"account_id":"17"}`)(w, r)
	}), 0)
	for name, test := range map[string]struct {
		cookies []string
		sent    string // "" for nobody
	}{
		"one of many":       {[]string{"__Host-vneid_session=s; JSESSIONID=j; other=o"}, "JSESSIONID=j"},
		"both, two headers": {[]string{"JSESSIONID=j", "a=b;ASP.NET_SessionId=n "}, "ASP.NET_SessionId=n; JSESSIONID=j"},
		"odd value kept":    {[]string{`JSESSIONID="a b=c,%"`}, `JSESSIONID="a b=c,%"`},
		"empty value":       {[]string{`JSESSIONID=`}, `JSESSIONID=`},
		"twice":             {[]string{"JSESSIONID=a; JSESSIONID=b"}, ""},
		"twice, alike":      {[]string{"JSESSIONID=a", "JSESSIONID=a"}, ""},
		"one twice":         {[]string{"JSESSIONID=a; ASP.NET_SessionId=n; JSESSIONID=b"}, "ASP.NET_SessionId=n"},
		"folded":            {[]string{"jsessionid=a; ASP.NET_SESSIONID=n"}, ""},
		"longer name":       {[]string{"JSESSIONID2=a; XJSESSIONID=b"}, ""},
		"unicode blank":     {[]string{"\u00a0JSESSIONID=a"}, ""},
		"none":              {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked = nil
			id, err := w.Ask(t.Context(), visitor(test.cookies...))
			if test.sent == "" {
				assert.Equal(t, directory.ErrNobody, err)
				assert.Nil(t, asked, "there was nothing to ask")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, identity.AccountID("17"), id)
			assert.Equal(t, "GET /me", asked.Method+" "+asked.RequestURI)
			assert.Equal(t, []string{test.sent}, asked.Header["Cookie"])
			assert.Equal(t, "application/json", asked.Header.Get("Accept"))
			assert.Empty(t, asked.Header.Get("Authorization"))
			assert.Empty(t, asked.Header.Get("X-Forwarded-User"))
		})
	}
}

func TestPortalConfigurations(t *testing.T) {
	const address = "https://portal.example/x"
	for name, cfg := range map[string]directory.CredentialConfig{
		"no address": {Token: "t"}, "no token": {URL: address}, "plain http": {URL: "http://portal.example/x", Token: "t"},
	} {
		_, err := directory.NewHTTPCredential(cfg)
		assert.Error(t, err, name)
	}
	for name, cfg := range map[string]directory.WhoAmIConfig{
		"no address": {Cookies: []string{"a"}}, "no cookies": {URL: address}, "empty cookie": {URL: address, Cookies: []string{"a", ""}},
		"plain http": {URL: "http://portal.example/x", Cookies: []string{"a"}},
	} {
		_, err := directory.NewWhoAmI(cfg)
		assert.Error(t, err, name)
	}
}

// Whatever the portal answers, an id comes out only of the one agreed shape.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{`{"account_id":"17"}`, `{"account_id":"1","account_id":"2"}`, `{"ACCOUNT_ID":"1"}`, `{"account_id":"1","username":null}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := whoAmI(t, serve(t, reply(200, string(body))), 0).Ask(t.Context(), visitor("JSESSIONID=x"))
		if err != nil {
			assert.Empty(t, id)
			return
		}
		var all map[string]any
		require.NoError(t, json.Unmarshal(body, &all))
		delete(all, "username")
		assert.Equal(t, map[string]any{"account_id": string(id)}, all)
	})
}
