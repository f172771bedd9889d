package proxy

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSource(t *testing.T) {
	p := &Proxy{config: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string // X-Forwarded-For
		standard  string   // Forwarded
		want      string
	}{
		"peer itself":                    {"203.0.113.9:4000", nil, "", "203.0.113.9:4000"},
		"nobody's word is believed":      {"203.0.113.9:4000", []string{"198.51.100.1"}, "", "203.0.113.9:4000"},
		"a trusted proxy's word":         {"10.0.0.1:4000", []string{"203.0.113.9"}, "", "203.0.113.9:0"},
		"with a port":                    {"10.0.0.1:4000", []string{"203.0.113.9:40321"}, "", "203.0.113.9:40321"},
		"beyond the first stranger":      {"10.0.0.1:4000", []string{"198.51.100.1:1, 203.0.113.9:2"}, "", "203.0.113.9:2"},
		"through two proxies":            {"10.0.0.1:4000", []string{"203.0.113.9:2", "10.0.0.2:3"}, "", "203.0.113.9:2"},
		"the standard header":            {"10.0.0.1:4000", nil, `for="203.0.113.9:40321";proto=https`, "203.0.113.9:40321"},
		"the standard header, version 6": {"10.0.0.1:4000", nil, `for="[2001:db8::1]:40321"`, "[2001:db8::1]:40321"},
		"version 6 without a port":       {"10.0.0.1:4000", nil, `for="[2001:db8::1]"`, "[2001:db8::1]:0"},
		"nonsense leaves the proxy":      {"10.0.0.1:4000", []string{"unknown"}, "", "10.0.0.1:4000"},
		"version 4 in version 6's dress": {"[::ffff:203.0.113.9]:4000", nil, "", "203.0.113.9:4000"},
		"an address that cannot be read": {"@", nil, "", "invalid AddrPort"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			if c.standard != "" {
				r.Header.Set("Forwarded", c.standard)
			}
			got := p.Source(r)
			assert.Equal(t, c.want, got.String())
			assert.Equal(t, c.want != "invalid AddrPort", got != netip.AddrPort{})
		})
	}
}
