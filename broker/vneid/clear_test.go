package vneid_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/session"
	"vneid-proxy/vneidtest"
)

const clearCallback = "https://portal.example/_vneid/callback"

// clearWire is a client of the simulated wire, and that wire.
func clearWire(t *testing.T, wire string, handler http.Handler) *vneid.Clear {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p, err := vneid.NewClear(vneid.ClearConfig{
		Wire: wire, AuthorizeURL: server.URL + "/authorize", TokenURL: server.URL + "/token", UserinfoURL: server.URL + "/userinfo",
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: clearCallback, Timeout: 5 * time.Second,
	})
	require.NoError(t, err)
	return p
}

func simulatedClear(wire string) (*vneidtest.Clear, vneidtest.Persona) {
	who := vneidtest.Personas()[0]
	return vneidtest.NewClear(vneidtest.ClearConfig{
		NationalPortal: wire == vneid.WireNationalPortal, ClientID: clientID, Secret: clientSecret,
		RedirectURI: clearCallback, Persona: who, AccountType: 1,
	}), who
}

// through follows the browser to the callback's query.
func through(t *testing.T, p *vneid.Clear, attempt session.Attempt) string {
	address, err := p.AuthURL(t.Context(), attempt)
	require.NoError(t, err)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address)
	require.NoError(t, err)
	defer answer.Body.Close()
	back, err := answer.Location()
	require.NoError(t, err)
	return back.RawQuery
}

func TestClearRedeem(t *testing.T) {
	for wire, subject := range map[string]string{vneid.WireVNeIDClear: "", vneid.WireNationalPortal: "tech-"} {
		t.Run(wire, func(t *testing.T) {
			simulated, who := simulatedClear(wire)
			p := clearWire(t, wire, simulated)
			attempt := session.NewAttempt("vneid", "/", time.Now())
			query := through(t, p, attempt)
			got, err := p.RedeemQuery(t.Context(), attempt, query)
			require.NoError(t, err)
			assert.Equal(t, subject+who.VNeID.Subject, got.Citizen.Subject)
			assert.Equal(t, who.CitizenNumber, got.Citizen.Number.Reveal())
			assert.Equal(t, who.Name, got.Citizen.Name)
			assert.Equal(t, who.BirthDate, got.Citizen.BirthDate.String())
			assert.Equal(t, "LoA1", got.Citizen.AuthenticationLevel, "another scale than the account's level")
			assert.Equal(t, map[string]int{vneid.WireVNeIDClear: 2, vneid.WireNationalPortal: 0}[wire], got.Citizen.AccountLevel)
			assert.NotEmpty(t, got.IDToken, "for sign-out")
			require.NoError(t, p.Status(t.Context()))

			_, err = p.RedeemQuery(t.Context(), attempt, query)
			assert.Equal(t, vneid.ReasonCode, vneid.ReasonOf(err), "a code is good once")
			other := session.NewAttempt("vneid", "/", time.Now())
			_, err = p.RedeemQuery(t.Context(), other, query)
			assert.Equal(t, vneid.ReasonAttempt, vneid.ReasonOf(err), "and for its own attempt")
			stolen := session.NewAttempt("vneid", "/", time.Now())
			stolen.State = attempt.State
			_, err = p.RedeemQuery(t.Context(), stolen, through(t, p, attempt))
			assert.Equal(t, vneid.ReasonCode, vneid.ReasonOf(err), "PKCE: without the verifier a code is worth nothing")
		})
	}
}

func TestClearRefuses(t *testing.T) {
	token := `{"access_token":"a","token_type":"Bearer"}`
	for name, test := range map[string]struct {
		token, userinfo string
		query           string // beside the state; default a code
		want            vneid.Reason
	}{
		"no subject":         {userinfo: `{"SoDinhDanh":"099202000345"}`, want: vneid.ReasonSubject},
		"a subject number":   {userinfo: `{"sub":1,"SoDinhDanh":"099202000345"}`, want: vneid.ReasonSubject},
		"no enterprise said": {userinfo: `{"sub":"s","LoaiTaiKhoan":2,"SoDinhDanh":"099202000345"}`, want: vneid.ReasonOrganisation},
		"told as a text":     {userinfo: `{"sub":"s","LoaiTaiKhoan":"2","SoDinhDanh":"099202000345","MaSoThue":""}`, want: vneid.ReasonOrganisation},
		"nobody acts":        {userinfo: `{"sub":"s","LoaiTaiKhoan":2,"MaSoDoanhNghiep":"9900000015"}`, want: vneid.ReasonRepresentative},
		"a type of no shape": {userinfo: `{"sub":"s","LoaiTaiKhoan":[2],"SoDinhDanh":"099202000345"}`, want: vneid.ReasonOrganisation},
		"no number":          {userinfo: `{"sub":"s"}`, want: vneid.ReasonNumber},
		"an old number":      {userinfo: `{"sub":"s","SoDinhDanh":"990185012"}`, want: vneid.ReasonNumber},
		"members twice":      {userinfo: `{"sub":"s","sub":"t"}`, want: "userinfo_malformed"},
		"no token":           {token: `{"token_type":"Bearer"}`, want: "token_malformed"},
		"an error":           {query: "error=access_denied", want: vneid.ReasonCancelled},
		"no code":            {query: "x=1", want: vneid.ReasonCallback},
		"two codes":          {query: "code=a&code=b", want: vneid.ReasonCallback},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			reply := test.token
			if reply == "" {
				reply = token
			}
			mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) { answer(w, reply) })
			mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) { answer(w, test.userinfo) })
			p := clearWire(t, vneid.WireVNeIDClear, mux)
			attempt := session.NewAttempt("vneid", "/", time.Now())
			query := test.query
			if query == "" {
				query = "code=a"
			}
			got, err := p.RedeemQuery(t.Context(), attempt, "state="+url.QueryEscape(attempt.State)+"&"+query)
			assert.Equal(t, test.want, vneid.ReasonOf(err))
			assert.Zero(t, got)
		})
	}
}

func TestNewClearRefuses(t *testing.T) {
	good := vneid.ClearConfig{
		Wire: vneid.WireVNeIDClear, AuthorizeURL: "https://a.example/a", TokenURL: "https://a.example/t", UserinfoURL: "https://a.example/u",
		ClientID: "c", RedirectURL: clearCallback,
	}
	_, err := vneid.NewClear(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*vneid.ClearConfig){
		"no wire":       func(c *vneid.ClearConfig) { c.Wire = "" },
		"no client":     func(c *vneid.ClearConfig) { c.ClientID = "" },
		"no callback":   func(c *vneid.ClearConfig) { c.RedirectURL = "" },
		"no userinfo":   func(c *vneid.ClearConfig) { c.UserinfoURL = "" },
		"plain http":    func(c *vneid.ClearConfig) { c.TokenURL = "http://a.example/t" },
		"end to a file": func(c *vneid.ClearConfig) { c.EndSessionURL = "file:///x" },
	} {
		c := good
		change(&c)
		_, err := vneid.NewClear(c)
		assert.Error(t, err, name)
	}
}
