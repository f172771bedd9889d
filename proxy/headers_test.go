package proxy_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/proxy"
)

// identityOf is every header of a request that tells who somebody is.
func identityOf(h http.Header) map[string][]string {
	found := make(map[string][]string)
	for _, name := range identityNames() {
		if values, ok := h[http.CanonicalHeaderKey(name)]; ok {
			found[name] = values
		}
	}
	return found
}

func TestDefaultHeaders(t *testing.T) {
	r := newRig(t, nil)
	full := map[string][]string{
		"X-Forwarded-User":                {"u-17"},
		"X-Forwarded-Preferred-Username":  {"lan.nguyen"},
		"X-Forwarded-Email":               {"lan@portal.example"},
		"X-Forwarded-Groups":              {"kind:citizen,role:reader,role:a%2Cb"},
		"X-Identity-Citizen-Number":       {"099203004567"},
		"X-Identity-Name":                 {"Nguy%E1%BB%85n%20Th%E1%BB%8B%20Lan"},
		"X-Identity-Birth-Date":           {"2003-04-05"},
		"X-Identity-Account-Level":        {"2"},
		"X-Identity-Authentication-Level": {"3"},
		"X-Identity-Standing":             {"linked"},
		"X-Identity-Acting":               {"self"},
	}
	s := linked(t)
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.Equal(t, full, identityOf(r.last().Header))

	// For an organisation.
	s.Account.Kind, s.Account.Roles = identity.KindOrganisation, nil
	s.Citizen.Organisation = identity.Organisation{ID: "9900000015", Name: "Công ty Thử"}
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	full["X-Identity-Acting"], full["X-Forwarded-Groups"] = []string{"representative"}, []string{"kind:organisation"}
	full["X-Identity-Organisation"] = []string{"9900000015"}
	full["X-Identity-Organisation-Name"] = []string{"C%C3%B4ng%20ty%20Th%E1%BB%AD"}
	assert.Equal(t, full, identityOf(r.last().Header))
	// By its old password alone: nobody knows who acts for whom.
	s.Citizen.Organisation = identity.Organisation{}
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.NotContains(t, r.last().Header, "X-Identity-Acting")
	s = linked(t)

	// Skipped, with what a person only typed: no word of the citizen.
	s.Standing, s.Citizen.Provider = identity.StandingSkipped, ""
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.Equal(t, map[string][]string{
		"X-Forwarded-User":               {"u-17"},
		"X-Forwarded-Preferred-Username": {"lan.nguyen"},
		"X-Forwarded-Email":              {"lan@portal.example"},
		"X-Forwarded-Groups":             {"kind:citizen,role:reader,role:a%2Cb"},
		"X-Identity-Standing":            {"skipped"},
	}, identityOf(r.last().Header))

	s = linked(t)
	s.Citizen.BirthDate = identity.BirthDate{Year: 1960}
	s.Account.Roles, s.Account.Kind = nil, ""
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.Equal(t, "1960", r.last().Header.Get("X-Identity-Birth-Date"))
	assert.NotContains(t, r.last().Header, "X-Forwarded-Groups")
}

func TestRolesCannotSplitTheirEntry(t *testing.T) {
	r := newRig(t, nil)
	s := linked(t)
	s.Account.Roles = []string{"x,role:admin", "y\r\nX-Forwarded-User: root", "100%", " z ", "cán bộ", "kind:official"}
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.Equal(t, []string{"kind:citizen,role:x%2Crole:admin,role:y%0D%0AX-Forwarded-User: root,role:100%25,role:%20z%20,role:cán bộ,role:kind:official"},
		r.last().Header["X-Forwarded-Groups"])
	assert.Equal(t, []string{"u-17"}, r.last().Header["X-Forwarded-User"])
}

// A value that HTTP would change on the way may be another person's.
func TestValuesThatCannotBeCarriedAreRefused(t *testing.T) {
	r := newRig(t, nil)
	for _, id := range []string{"admin ", " admin", "a\r\nX-Identity-Standing: linked", "a\x00", "a\tb", "a\x7f", "a\xff", "a\u0085", "\u00a0admin"} {
		s := linked(t)
		s.Account.ID = identity.AccountID(id)
		answer := r.ask("GET /a", "Cookie: "+r.cookie(s))
		assert.Equal(t, http.StatusForbidden, answer.StatusCode, "%q", id)
		assert.Contains(t, bodyOf(t, answer), "identity_value")
	}
	assert.Zero(t, r.count())
	assert.Contains(t, r.log.String(), "the value of X-Forwarded-User cannot be written")
	assert.NotContains(t, r.log.String(), "admin")
	s := linked(t)
	s.Account.ID = "Đặng Lan"
	r.ask("GET /a", "Cookie: "+r.cookie(s))
	assert.Equal(t, []string{"Đặng Lan"}, r.last().Header["X-Forwarded-User"])
}

func TestEncodings(t *testing.T) {
	var headers []proxy.Header
	for _, pair := range []string{
		"X-Raw={name}", "X-Utf8={name:utf8}", "X-Percent={name:percent}", "X-Mime={name:rfc2047}",
		"X-Base64={name:base64}", "X-Ascii={name:ascii}", "X-Provider={provider}", "X-Kind={kind}",
	} {
		header, err := proxy.ParseHeader(pair)
		require.NoError(t, err)
		headers = append(headers, header)
	}
	r := newRig(t, nil, func(c *proxy.Config) { c.Headers = headers })
	s := linked(t)
	s.Citizen.Name = "Đỗ Thị Hường 好"
	answer := r.ask("GET /a", "Cookie: "+r.cookie(s), "X-Raw: forged", "x_ASCII: forged", "X-Forwarded-User: forged")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	got := r.last().Header
	for name, want := range map[string]string{
		"X-Raw": "Đỗ Thị Hường 好", "X-Utf8": "Đỗ Thị Hường 好", "X-Percent": url.PathEscape("Đỗ Thị Hường 好"),
		"X-Mime": "=?utf-8?b?xJDhu5cgVGjhu4sgSMaw4budbmcg5aW9?=", "X-Base64": "xJDhu5cgVGjhu4sgSMaw4budbmcg5aW9",
		"X-Ascii": "Do Thi Huong ?", "X-Provider": "vneid", "X-Kind": "citizen",
	} {
		assert.Equal(t, []string{want}, got[name], name)
	}
	assert.NotContains(t, got, "X-Forwarded-User")
}

func TestHeaderFaults(t *testing.T) {
	for _, pair := range []string{
		"", "X-A", "X-A=name", "X-A={name", "X-A={nobody}", "X-A={name:rot13}", "X A={name}", "X_A={name}", "={name}",
		"-X={name}", "X--A={name}", "Cookie={name}", "host={name}", "X-Forwarded-For={name}", "X-A={account_id:ascii}", "Connection={name}",
	} {
		_, err := proxy.ParseHeader(pair)
		assert.Error(t, err, pair)
	}
}

func TestForwardedHeader(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for header, want := range map[string]string{
		"for=203.0.113.9": "203.0.113.9, 127.0.0.1",
		`For="203.0.113.9:4711";proto=http;by=10.1.2.3`: "203.0.113.9, 127.0.0.1",
		`for="[2001:db8::1]:4711", for=10.1.2.3`:        "2001:db8::1, 10.1.2.3, 127.0.0.1",
		`for=198.51.100.1, for=203.0.113.9`:             "203.0.113.9, 127.0.0.1",
		`for=203.0.113.9, for=_hidden, for=10.1.2.3`:    "10.1.2.3, 127.0.0.1",
		`for=unknown`: "127.0.0.1",
		`by=10.1.2.3`: "127.0.0.1",
	} {
		r := newRig(t, nil, func(c *proxy.Config) { c.TrustedProxies = trusted })
		r.ask("GET /assets/a", "Forwarded: "+header)
		assert.Equal(t, []string{want}, r.last().Header["X-Forwarded-For"], header)
		assert.NotContains(t, r.last().Header, "Forwarded")
	}
}

func TestForwardedFor(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		trusted  []netip.Prefix
		incoming []string
		want     string
	}{
		{nil, []string{"X-Forwarded-For: 203.0.113.9"}, "127.0.0.1"},
		{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"X-Forwarded-For: 203.0.113.9"}, "127.0.0.1"},
		{loopback, nil, "1.2.3.4, 127.0.0.1"},
		{loopback, []string{"X-Forwarded-For: 203.0.113.9"}, "203.0.113.9, 127.0.0.1"},
		{loopback, []string{"X-Forwarded-For: 198.51.100.1, 203.0.113.9, 10.1.2.3"}, "203.0.113.9, 10.1.2.3, 127.0.0.1"},
		{loopback, []string{"X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: ::ffff:10.1.2.3"}, "198.51.100.1, 10.1.2.3, 127.0.0.1"},
		{loopback, []string{"X-Forwarded-For: 203.0.113.9, nonsense, 10.1.2.3"}, "10.1.2.3, 127.0.0.1"},
		{loopback, []string{"X-Forwarded-For: 203.0.113.9, <script>"}, "127.0.0.1"},
		{loopback, []string{"X_Forwarded_For: 203.0.113.9", "X--Forwarded-For: 203.0.113.9"}, "1.2.3.4, 127.0.0.1"},
	} {
		r := newRig(t, nil, func(c *proxy.Config) { c.TrustedProxies = test.trusted })
		r.ask("GET /assets/a", append(test.incoming, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Forwarded-Prefix: /x", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4")...)
		got := r.last().Header
		assert.Equal(t, []string{test.want}, got["X-Forwarded-For"], "%v", test.incoming)
		assert.Equal(t, []string{publicHost}, got["X-Forwarded-Host"])
		assert.Equal(t, []string{"https"}, got["X-Forwarded-Proto"])
		assert.NotContains(t, got, "Forwarded")
		if test.want == "127.0.0.1" && len(test.trusted) < 2 {
			assert.NotContains(t, got, "X-Forwarded-Prefix")
			assert.NotContains(t, got, "X-Real-Ip")
		}
	}
}

func TestConfigFaultsAreNamedAtOnce(t *testing.T) {
	_, err := proxy.New(proxy.Config{
		PublicURL: parse("ftp://x/path"), Prefix: "vneid/", Upstream: parse("http://x/base"), Public: []string{"/", "/a/../b"},
		Headers:         []proxy.Header{{Name: "X-A", Field: "name"}, {Name: "x-a", Field: "email"}, {Name: "X-B", Field: "none"}},
		ResponseTimeout: time.Second,
	})
	require.Error(t, err)
	for _, part := range []string{"public URL", "upstream", "prefix", "required", "path / would open the whole portal", `"/a/../b"`, "named twice", `unknown field "none"`} {
		assert.Contains(t, err.Error(), part)
	}
}

// Old portals get the bytes of their own code page, through real sockets.
func TestCodePagesReachThePortal(t *testing.T) {
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Headers = []proxy.Header{
			{Name: "X-Forwarded-User", Field: "account_id"},
			{Name: "X-Name-Windows", Field: "name", Encoding: proxy.Windows1258},
			{Name: "X-Name-Font", Field: "name", Encoding: proxy.TCVN3},
		}
	})
	require.Equal(t, 200, r.ask("GET /a", "Cookie: "+r.cookie(linked(t))).StatusCode)
	assert.Equal(t, "Nguy\xea\xden Thi\xf2 Lan", r.last().Header.Get("X-Name-Windows"))
	assert.Equal(t, "Nguy\xd4n Th\xde Lan", r.last().Header.Get("X-Name-Font"))
}
