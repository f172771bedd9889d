package screen_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/screen"
)

func TestLanguage(t *testing.T) {
	s := screens(t)
	for name, c := range map[string]struct {
		query, cookie, accept string
		want                  screen.Language
	}{
		"nothing said":           {want: "vi"},
		"accepts English":        {accept: "en-GB,en;q=0.8", want: "en"},
		"prefers Vietnamese":     {accept: "vi-VN,vi;q=0.9,en;q=0.8", want: "vi"},
		"quality decides":        {accept: "vi;q=0.3, en;q=0.9", want: "en"},
		"second choice":          {accept: "fr, en;q=0.5", want: "en"},
		"neither":                {accept: "fr, de;q=0.5", want: "vi"},
		"any":                    {accept: "*", want: "vi"},
		"not a header":           {accept: ";;;=,,q", want: "vi"},
		"long header":            {accept: strings.Repeat("en-", 5000), want: "vi"},
		"cookie beats header":    {cookie: "en", accept: "vi", want: "en"},
		"unknown cookie":         {cookie: "fr", accept: "en", want: "en"},
		"query beats cookie":     {query: "vi", cookie: "en", accept: "en", want: "vi"},
		"query in English":       {query: "en", cookie: "vi", want: "en"},
		"unknown query":          {query: "EN", cookie: "en", want: "en"},
		"query is not reflected": {query: `"><script>`, want: "vi"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, prefix+"/sign-in", nil)
			if c.query != "" {
				q := r.URL.Query()
				q.Set("lang", c.query)
				r.URL.RawQuery = q.Encode()
			}
			if c.cookie != "" {
				r.AddCookie(&http.Cookie{Name: "vneid_lang", Value: c.cookie})
			}
			if c.accept != "" {
				r.Header.Set("Accept-Language", c.accept)
			}
			assert.Equal(t, c.want, s.Language(r))
			w := httptest.NewRecorder()
			s.Write(w, r, http.StatusOK, screen.SignIn{})
			assert.Equal(t, string(c.want), w.Header().Get("Content-Language"))
			assert.Contains(t, w.Body.String(), `<html lang="`+string(c.want)+`">`)
		})
	}
}

func TestLanguageIsKept(t *testing.T) {
	c := config()
	c.Secure = true
	secure, err := screen.New(c)
	require.NoError(t, err)
	w := get(t, secure, prefix+"/sign-in?lang=en", http.StatusOK, screen.SignIn{})
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	cookie := cookies[0]
	assert.Equal(t, "vneid_lang", cookie.Name)
	assert.Equal(t, "en", cookie.Value)
	assert.Equal(t, prefix, cookie.Path)
	assert.True(t, cookie.HttpOnly)
	assert.True(t, cookie.Secure)
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)

	s := screens(t)
	assert.False(t, get(t, s, prefix+"/sign-in?lang=en", http.StatusOK, screen.SignIn{}).Result().Cookies()[0].Secure)
	for _, target := range []string{prefix + "/sign-in", prefix + "/sign-in?lang=fr", "/ho-so?lang=en"} {
		assert.Empty(t, get(t, s, target, http.StatusOK, screen.SignIn{}).Result().Cookies(), target)
	}
}

func TestLanguageSwitch(t *testing.T) {
	s := screens(t)
	link := regexp.MustCompile(`<a class="switch" href="([^"]*)" lang="(..)" hreflang="(..)">`)
	for name, c := range map[string]struct {
		method, target string
		page           screen.Page
		want           string
	}{
		"sign-in keeps where to go": {"GET", "/_vneid/sign-in?rd=%2Fho-so%3Fa%3D1", screen.SignIn{ReturnTo: "/ho-so?a=1"}, "/_vneid/sign-in?lang=en&amp;rd=%2Fho-so%3Fa%3D1"},
		"after a form":              {"POST", "/_vneid/link/update", screen.Link{}, "/_vneid/link?lang=en"},
		"after the portal's form":   {"POST", "/_vneid/sign-in/legacy", screen.SignIn{ReturnTo: "/x"}, "/_vneid/sign-in?lang=en&amp;rd=%2Fx"},
		"identity":                  {"POST", "/_vneid/identity/update", screen.Identity{}, "/_vneid/identity?lang=en"},
		"sign-out":                  {"GET", "/_vneid/sign-out", screen.SignOut{}, "/_vneid/sign-out?lang=en"},
		"callback is not repeated":  {"GET", "/_vneid/callback?code=c&state=s", screen.Refused{Reason: screen.Protocol}, "/_vneid/sign-in?lang=en"},
		"foreign return address":    {"GET", "/_vneid/link?rd=//elsewhere.example", screen.Link{}, "/_vneid/link?lang=en"},
		"unknown below the prefix":  {"GET", "/_vneid/no/such", screen.Refused{Reason: screen.NotFound}, "/_vneid/sign-in?lang=en"},
		"the portal's own path":     {"GET", "/ho-so?ma=1", screen.Refused{Reason: screen.Unavailable}, ""},
		"looks like the prefix":     {"GET", "/_vneid-x/link", screen.Refused{Reason: screen.Unavailable}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			s.Write(w, httptest.NewRequest(c.method, c.target, nil), http.StatusOK, c.page)
			found := link.FindStringSubmatch(w.Body.String())
			if c.want == "" {
				assert.Nil(t, found)
				return
			}
			require.NotNil(t, found)
			assert.Equal(t, []string{c.want, "en", "en"}, found[1:])
		})
	}
	english := get(t, s, prefix+"/link?lang=en", http.StatusOK, screen.Link{}).Body.String()
	assert.Equal(t, []string{"/_vneid/link?lang=vi", "vi", "vi"}, link.FindStringSubmatch(english)[1:])
}
