package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

// careless is how this test reads header names, written apart from the code
// under test: letters and digits only.
func careless(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 32
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

func identityNames() []string {
	names := []string{
		"X-Forwarded-Access-Token", "X-Identity-Anything", "X-Auth-Request-User", "X-Auth-Request-Groups", "Remote-User",
	}
	for _, header := range proxy.DefaultHeaders() {
		names = append(names, header.Name)
	}
	return names
}

// spellings writes a name in every way that the grammar of field names lets
// through and that a portal might fold.
func spellings(name string) (all []string) {
	separators := []string{"--", "-_", "__", "_-", "._", "---"}
	for _, c := range "-_.~!#$%&'*+^|`" {
		separators = append(separators, string(c))
	}
	for _, separator := range separators {
		spelled := strings.ReplaceAll(name, "-", separator)
		all = append(all, spelled, strings.ToLower(spelled), strings.ToUpper(spelled))
		mixed := []byte(strings.ToLower(spelled))
		for i := 1; i < len(mixed); i += 2 {
			mixed[i] = strings.ToUpper(string(mixed[i]))[0]
		}
		all = append(all, string(mixed))
		// One separator alone in another spelling.
		if first := strings.IndexByte(name, '-'); first >= 0 {
			all = append(all, name[:first]+separator+name[first+1:])
		}
	}
	return all
}

func TestForgedIdentityNeverArrives(t *testing.T) {
	r := newRig(t, nil, func(c *proxy.Config) {
		// Even where the operator allows the spelling.
		c.AllowedHeaderNames = []string{"X_Forwarded_User", "x.identity.name", "Portal_Token"}
	})
	s := linked(t)
	for _, name := range identityNames() {
		lines := []string{"Cookie: " + r.cookie(s), "X-Ordinary: kept", "Portal_Token: kept"}
		forged := spellings(name)
		for _, spelling := range forged {
			lines = append(lines, spelling+": forged")
		}
		for _, path := range []string{"/private", "/assets/site.css"} {
			answer := r.ask("GET "+path, lines...)
			require.Equal(t, http.StatusOK, answer.StatusCode, name)
			got := r.last().Header
			assert.Equal(t, "kept", got.Get("X-Ordinary"))
			assert.Equal(t, []string{"kept"}, got["Portal_token"])
			for arrived, values := range got {
				assert.NotContains(t, values, "forged", "%s arrived as %s on %s", name, arrived, path)
				if path != "/private" {
					for _, ours := range identityNames() {
						assert.NotEqual(t, careless(ours), careless(arrived), "identity on a public path")
					}
				}
			}
		}
	}
	assert.NotContains(t, r.scrape(), "vneid_proxy_identity_headers_removed_total 0\n")
}

func TestOddNamesAreDropped(t *testing.T) {
	r := newRig(t, nil)
	r.ask("GET /assets/a", "Portal_Token: x", "Portal.Token: x", "X-Fine-2: x", "X-Original-URL: /admin", "X-Rewrite-Url: /admin")
	got := r.last().Header
	assert.Equal(t, "x", got.Get("X-Fine-2"))
	for _, gone := range []string{"Portal_token", "Portal.token", "X-Original-Url", "X-Rewrite-Url"} {
		assert.NotContains(t, got, gone)
	}
}

func TestIdentitySurvivesConnectionHeader(t *testing.T) {
	r := newRig(t, nil)
	s := linked(t)
	answer := r.ask("GET /private", "Cookie: "+r.cookie(s),
		"Connection: close, X-Forwarded-User, x-identity-citizen-number, X-Forwarded-Host",
		"Connection: X-IDENTITY-NAME, X-Forwarded-For",
		"X-Forwarded-User: admin", "X-Forwarded-User: root", "X-Identity-Name: x")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	got := r.last().Header
	assert.Equal(t, []string{"u-17"}, got["X-Forwarded-User"])
	assert.Equal(t, []string{"099203004567"}, got["X-Identity-Citizen-Number"])
	assert.Equal(t, []string{"Nguy%E1%BB%85n%20Th%E1%BB%8B%20Lan"}, got["X-Identity-Name"])
	assert.Equal(t, []string{publicHost}, got["X-Forwarded-Host"])
	assert.Equal(t, []string{"127.0.0.1"}, got["X-Forwarded-For"])
}

func TestTrailersNeverCarryIdentity(t *testing.T) {
	read := make(chan http.Header, 1)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		_, _ = w.Write([]byte("got "))
		body := make([]byte, 100)
		for {
			if _, err := q.Body.Read(body); err != nil {
				break
			}
		}
		read <- q.Trailer.Clone()
	})
	answer := r.send("POST /private HTTP/1.1\r\nHost: " + publicHost + "\r\nCookie: " + r.cookie(linked(t)) +
		"\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-User, X_Identity_Name, X-Checksum\r\n\r\n" +
		"5\r\nhello\r\n0\r\nX-Forwarded-User: admin\r\nX_Identity_Name: admin\r\nX-Identity-Standing: linked\r\nX-Checksum: 1\r\n\r\n")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Empty(t, <-read)
	assert.Equal(t, []string{"u-17"}, r.last().Header["X-Forwarded-User"])
	assert.NotContains(t, r.last().Header, "Trailer")
}

func TestAuthorization(t *testing.T) {
	for _, test := range []struct {
		path string
		pass bool
		want string
	}{{"/private", false, ""}, {"/private", true, "Basic x"}, {"/assets/a", false, "Basic x"}} {
		r := newRig(t, nil, func(c *proxy.Config) { c.PassAuthorization = test.pass })
		r.ask("GET "+test.path, "Cookie: "+r.cookie(linked(t)), "Authorization: Basic x")
		assert.Equal(t, test.want, r.last().Header.Get("Authorization"), "%+v", test)
	}
}

func TestOwnCookiesNeverArrive(t *testing.T) {
	r := newRig(t, nil)
	s := linked(t)
	for _, path := range []string{"/private", "/assets/a"} {
		r.ask("GET "+path, "Cookie: JSESSIONID=a b; "+r.cookie(s)+"; __host-VNEID_proof=x; theme=dark", "Cookie: vneid_attempt_1=y")
		assert.Equal(t, []string{"JSESSIONID=a b; theme=dark"}, r.last().Header["Cookie"], path)
	}
}
