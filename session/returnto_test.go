package session_test

import (
	"bufio"
	_ "embed"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

//go:embed testdata/return-addresses.txt
var hostile string

const prefix = "/_vneid"

func hostileAddresses(t testing.TB) []string {
	t.Helper()
	var all []string
	lines := bufio.NewScanner(strings.NewReader(hostile))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		address, err := strconv.Unquote(`"` + line + `"`)
		require.NoError(t, err, "line %d: %s", n, line)
		all = append(all, address)
	}
	require.NoError(t, lines.Err())
	require.Greater(t, len(all), 400, "the list is there")
	return all
}

func TestHostileReturnAddresses(t *testing.T) {
	for _, address := range append(hostileAddresses(t), "") {
		assert.Equal(t, "/", session.ReturnTo(address, prefix), "%q", address)
	}
}

func TestGoodReturnAddresses(t *testing.T) {
	for _, address := range []string{
		"/", "/ho-so", "/ho-so/", "/ho-so/123", "/a/b/c.html", "/a.b/c", "/...", "/..a", "/a..", "/.well-known/x", "/a/...;x/b",
		"/ho-so?trang=2&sap-xep=ngay", "/?x=1", "/ho-so?", "/tim?q=Nguy%E1%BB%85n%20V%C4%83n%20An", "/tim?q=a+b",
		"/web/guest/trang-chu?p_p_id=58&p_p_lifecycle=0", "/a;jsessionid=0A1B", "/;jsessionid=0A1B", "/~user", "/a:b/c@d",
		"/h%E1%BB%93-s%C6%A1", "/a%20b", "/a%3fb", "/a%23b", "/a%2fb", "/a%2Fb/c", "/100%25", "/100%25zz/a", "/a%2525",
		"/a?next=https://evil.example/", "/a?next=//evil.example", "/a?x=%2f%2f&y=%5c", "/a?..=/../", "/a?x=%0d%0a", "/a?b?c", "/a?x=%25",
		"/_vneidx", "/_vnei", "/x/_vneid/", "/_VNEID/sign-in", "/a?_vneid", "/a!$&'()*+,;=b",
		"/%25252fevil", "/@evil.example", "/:80", "/javascript:alert(1)", "/http:evil",
		"/" + strings.Repeat("a", session.MaxReturnTo-1),
		"/#", "/ho-so#a", "/ho-so?x#a", "/#//evil.example", "/ho-so#/../..", "/a#?b", "/ho-so#/tab/2?x=%C4%91",
	} {
		assert.Equal(t, address, session.ReturnTo(address, prefix))
	}
}

// The prefix can be configured; then the usual one is a page like any other.
func TestReturnAddressUnderAnotherPrefix(t *testing.T) {
	assert.Equal(t, "/", session.ReturnTo("/dang-nhap/link", "/dang-nhap"))
	assert.Equal(t, "/", session.ReturnTo("/cong/dang-nhap", "/cong/dang-nhap"))
	assert.Equal(t, "/", session.ReturnTo("/cong%2fdang-nhap/x", "/cong/dang-nhap"))
	assert.Equal(t, "/cong", session.ReturnTo("/cong", "/cong/dang-nhap"))
	assert.Equal(t, "/_vneid/link", session.ReturnTo("/_vneid/link", "/dang-nhap"))
}

func FuzzReturnTo(f *testing.F) {
	for _, address := range hostileAddresses(f) {
		f.Add(address)
	}
	f.Add("/ho-so?trang=2")
	f.Add("/a%2fb;c=d?x=%2f")
	encoded := regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	base, err := url.Parse("http://portal.example")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw string) {
		got := session.ReturnTo(raw, prefix)
		require.True(t, got == "/" || got == raw, "%q became %q", raw, got)
		require.Equal(t, got, session.ReturnTo(got, prefix), "fixed point")
		require.LessOrEqual(t, len(got), session.MaxReturnTo)

		parsed, err := base.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "http", parsed.Scheme)
		require.Equal(t, "portal.example", parsed.Host)
		require.Nil(t, parsed.User)
		require.True(t, strings.HasPrefix(got, "/") && !strings.HasPrefix(got, "//") && !strings.HasPrefix(got, `/\`))

		// Decoded not at all, once or twice, however leniently, it shows
		// neither our own pages nor a way up.
		path, _, _ := strings.Cut(got, "#")
		path, _, _ = strings.Cut(path, "?")
		for range 3 {
			require.False(t, path == prefix || strings.HasPrefix(path, prefix+"/"), path)
			require.NotContains(t, path, "//")
			require.NotContains(t, path+"/", "/../")
			require.NotContains(t, path, `\`)
			path = encoded.ReplaceAllStringFunc(path, func(e string) string {
				octet, err := hex.DecodeString(e[1:])
				require.NoError(t, err)
				return string(octet)
			})
		}
	})
}
