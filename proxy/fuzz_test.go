package proxy

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"vneid-proxy/session"
)

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"X-Forwarded-User", "x_identity_name", "X--Auth..Request User", "Đ", "", "-", "remote-user"} {
		f.Add(seed)
	}
	n := newNames(DefaultHeaders(), []string{"X_Forwarded_User", "Portal_Token"})
	f.Fuzz(func(t *testing.T, name string) {
		folded := string(fold([]byte(name)))
		if len(folded) != len(name) || string(fold([]byte(folded))) != folded {
			t.Errorf("fold(%q) = %q is no fixed point", name, folded)
		}
		merged := string(merge([]byte(folded)))
		if strings.Contains(merged, "--") || string(merge([]byte(merged))) != merged {
			t.Errorf("merge(%q) = %q is no fixed point", folded, merged)
		}
		h := http.Header{name: {"forged"}}
		n.strip(h, true)
		if _, kept := h[name]; !kept {
			return
		}
		for _, header := range DefaultHeaders() {
			if merged == lower(header.Name) {
				t.Errorf("%q survived", name)
			}
		}
		for _, prefix := range []string{"x-identity-", "x-auth-request-", "remote-"} {
			if strings.HasPrefix(merged, prefix) {
				t.Errorf("%q survived under %q", name, prefix)
			}
		}
	})
}

func FuzzPublicPath(f *testing.F) {
	for _, seed := range []string{"/assets/a.css", "/assets/../x", "/assets/%2e%2e/x", "/assets/..;/x", `/assets/..\x`, "/assets//x", "/favicon.ico"} {
		f.Add(seed)
	}
	listed := public{"/assets/", "/favicon.ico"}
	f.Fuzz(func(t *testing.T, raw string) {
		if !listed.open(raw) {
			return
		}
		// Whoever reads an open path reads the same one.
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Path != raw || u.RawQuery != "" || decode(raw) != raw || withoutParams(raw) != raw ||
			path.Clean(raw) != strings.TrimSuffix(raw, "/") || strings.ContainsAny(raw, "\\?#;%") {
			t.Errorf("%q is open and has two readings", raw)
		}
		if !strings.HasPrefix(raw, "/assets/") && raw != "/favicon.ico" && !strings.HasPrefix(raw, "/favicon.ico/") {
			t.Errorf("%q is open and not listed", raw)
		}
	})
}

func FuzzReserved(f *testing.F) {
	for _, seed := range []string{"/_vneid/x", "/_VNEID", "/%5fvneid", "/x/..%2f_vneid", "/;/_vneid", `\_vneid`, "/_vneidx"} {
		f.Add(seed)
	}
	ours := newReserved("/_vneid")
	f.Fuzz(func(t *testing.T, raw string) {
		if ours.covers(raw) {
			return
		}
		// What is forwarded lies elsewhere for the library's own reading too,
		// cleaned or not.
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		for _, reading := range []string{u.Path, path.Clean(u.Path), strings.ToLower(u.Path)} {
			if reading == "/_vneid" || strings.HasPrefix(reading, "/_vneid/") {
				t.Errorf("%q is forwarded and reads as %q", raw, reading)
			}
		}
	})
}

// What goes out is what came in, byte for byte, or is refused.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/", "//a", "/a?b;c", "/a%2f", "/a?", "//a\"", "/*", "*", "http://x/", "/a#b", "//?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		rawPath, forward, ok := target(&http.Request{RequestURI: raw, URL: u})
		if !ok {
			return
		}
		forward.Scheme, forward.Host = "http", "upstream"
		if forward.RequestURI() != raw {
			t.Errorf("%q goes out as %q", raw, forward.RequestURI())
		}
		if !strings.HasPrefix(raw, rawPath) || strings.Contains(rawPath, "?") {
			t.Errorf("the path of %q is %q", raw, rawPath)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"portal.example", "PORTAL.example:443", "portal.example:80", "portal.example:443:443", "[::1]:443", "portal.example."} {
		f.Add(seed)
	}
	ours := newHosts(&url.URL{Scheme: "https", Host: "Portal.example:443"})
	f.Fuzz(func(t *testing.T, host string) {
		want := lower(host) == "portal.example" || lower(host) == "portal.example:443"
		if ours.ours(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	})
}

// No written value can end its header line or be changed by HTTP's trimming.
func FuzzEncoding(f *testing.F) {
	for _, seed := range []string{"Nguyễn Thị Lan", "a\r\nb", " a", "a\x00", "\xff", "=?utf-8?b?", "%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range []Encoding{UTF8, Percent, RFC2047, Base64, ASCII} {
			written, ok := e.write(s)
			if !ok {
				continue
			}
			if strings.ContainsAny(written, "\r\n\x00\t") || strings.TrimSpace(written) != written || written == "" {
				t.Errorf("%s of %q is %q", e, s, written)
			}
			if e == UTF8 && written != s {
				t.Errorf("%q became %q", s, written)
			}
		}
		if back, err := url.PathUnescape(percent(s)); err != nil || back != s {
			t.Errorf("percent(%q) reads back as %q", s, back)
		}
		group := groups(session.AccountRef{Roles: []string{s, "last"}})
		if strings.Count(group, ",") != 1 || strings.ContainsAny(group, "\r\n\x00") {
			t.Errorf("the role %q makes %q", s, group)
		}
	})
}

func FuzzLoggedPath(f *testing.F) {
	f.Add("/people/099203004567")
	f.Add("/people/%2530992%3003004567")
	f.Fuzz(func(t *testing.T, raw string) {
		run := 0
		for _, c := range loggedPath(raw) {
			if c >= '0' && c <= '9' {
				run++
			} else {
				run = 0
			}
			if run >= 6 {
				t.Fatalf("%q is logged as %q", raw, loggedPath(raw))
			}
		}
	})
}
