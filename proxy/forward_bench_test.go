package proxy_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

// BenchmarkForward compares one authenticated GET of 1 kB through the gate with
// the same through a bare ReverseProxy whose transport is tuned alike.
func BenchmarkForward(b *testing.B) {
	body := strings.Repeat("x", 1024)
	r := newRig(b, nil, func(c *proxy.Config) {
		portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		b.Cleanup(portal.Close)
		c.Upstream, c.Logger = parse(portal.URL), slog.New(slog.DiscardHandler)
	})
	bare := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(pr *httputil.ProxyRequest) { pr.SetURL(r.config.Upstream) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 4096, DisableCompression: true},
	})
	b.Cleanup(bare.Close)
	cookie := r.cookie(linked(b))
	for _, side := range []struct{ name, addr string }{{"bare", bare.Listener.Addr().String()}, {"proxy", r.addr}} {
		b.Run(side.name, func(b *testing.B) {
			browser := client(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					q := r.request(http.MethodGet, "/a?b=c", nil, cookie)
					q.URL.Host = side.addr
					answer, err := browser.Do(q)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
			})
		})
	}
}

// BenchmarkGate is the gate alone, without sockets: everything up to the
// portal, which is not there.
func BenchmarkGate(b *testing.B) {
	r := newRig(b, nil, func(c *proxy.Config) { c.Logger = slog.New(slog.DiscardHandler) })
	q := httptest.NewRequest(http.MethodGet, "https://"+publicHost+"/a", nil)
	q.RequestURI = "/a"
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		r.proxy.ServeHTTP(w, q)
		require.Equal(b, http.StatusUnauthorized, w.Code)
	}
}
