package proxy

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

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

// What the portal reads as the way a request came is addresses only, the peer
// last, and nothing that an untrusted address has said.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "192.0.2.1, 10.0.0.2", "10.0.0.1,10.0.0.2 , 10.0.0.3", "a, 10.0.0.2", "", ",,", "::ffff:10.0.0.1",
		"fe80::1%eth0", "10.0.0.1:80", "192.0.2.1\r\nX: 1, 10.0.0.9", "10.0.0.1, 192.0.2.7, 10.0.0.1"} {
		f.Add(seed, "10.0.0.5:1234")
		f.Add(seed, "192.0.2.5:1234")
	}
	p := &Proxy{config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, header, remote string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {header}}}
		chain := p.forwardedFor(&exchange{request: r, trusted: p.trusts(remote)})
		peer, err := netip.ParseAddrPort(remote)
		if err != nil {
			if chain != "" {
				t.Errorf("%q from nowhere", chain)
			}
			return
		}
		var addresses []netip.Addr
		for _, entry := range strings.Split(chain, ", ") {
			address, err := netip.ParseAddr(entry)
			if err != nil || address.Zone() != "" {
				t.Fatalf("%q holds %q", chain, entry)
			}
			addresses = append(addresses, address)
		}
		last := len(addresses) - 1
		if addresses[last] != peer.Addr().Unmap().WithZone("") {
			t.Errorf("%q does not end with the peer %q", chain, remote)
		}
		for _, proxy := range addresses[1:] {
			if !p.trustsAddr(proxy) {
				t.Errorf("%q believes %s", chain, proxy)
			}
		}
	})
}

func FuzzPublicPath(f *testing.F) {
	for _, seed := range []string{"/assets/a.css", "/assets/../x", "/assets/%2e%2e/x", "/assets/..;/x", `/assets/..\x`, "/assets//x", "/favicon.ico"} {
		f.Add(seed)
	}
	rules, err := NewRules([]Rule{{Path: "/assets/", Access: Public}, {Path: "/favicon.ico", Access: Public}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if rules.judge("GET", raw, time.Time{}).access() != Public {
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
