package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

// nowhere is an address at which nobody listens.
func nowhere(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String()
}

// second speaks HTTP/2 alone to the proxy, without TLS.
func second(t *testing.T) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestNextAddressWhereNothingWasSent(t *testing.T) {
	var served [2]atomic.Int32
	var portals [2]*httptest.Server
	for i := range portals {
		portals[i] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			served[i].Add(1)
			_, _ = io.Copy(w, q.Body)
		}))
		t.Cleanup(portals[i].Close)
	}
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Upstream = parse(nowhere(t))
		c.FurtherUpstreams = append(c.FurtherUpstreams, parse(portals[0].URL), parse(portals[1].URL))
	})
	cookie := r.cookie(linked(t))
	for range 12 {
		answer, err := client(t).Do(r.request(http.MethodPost, "/a", strings.NewReader("a form"), cookie))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, answer.StatusCode)
		assert.Equal(t, "a form", bodyOf(t, answer), "the body is whole")
		_ = answer.Body.Close()
	}
	assert.Positive(t, served[0].Load())
	assert.Positive(t, served[1].Load())
	assert.EqualValues(t, 12, served[0].Load()+served[1].Load())
	assert.Equal(t, 1, strings.Count(r.log.String(), "cannot be reached"), "it was left alone from then on")
}

// What was sent may have had its effect: only what has none is asked again.
func TestOnlyTheSafeIsRepeated(t *testing.T) {
	var broken, whole atomic.Int32
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		broken.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_ = conn.Close()
		}
	}))
	t.Cleanup(cut.Close)
	good := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { whole.Add(1) }))
	t.Cleanup(good.Close)
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Upstream = parse(cut.URL)
		c.FurtherUpstreams = append(c.FurtherUpstreams, parse(good.URL))
	})
	cookie := "Cookie: " + r.cookie(linked(t))
	for range 8 {
		assert.Equal(t, http.StatusOK, r.ask("GET /a", cookie).StatusCode)
	}
	assert.EqualValues(t, 8, whole.Load())
	assert.Positive(t, broken.Load())
	refused := 0
	for range 8 {
		broken.Store(0)
		whole.Store(0)
		answer := r.ask("POST /a", cookie, "Content-Length: 0")
		assert.EqualValues(t, 1, broken.Load()+whole.Load(), "once and never again")
		if answer.StatusCode == http.StatusBadGateway {
			refused++
		}
	}
	assert.Positive(t, refused)
}

func TestAllAddressesDown(t *testing.T) {
	r := newRig(t, nil, func(c *proxy.Config) {
		c.Upstream = parse(nowhere(t))
		c.FurtherUpstreams = append(c.FurtherUpstreams, parse(nowhere(t)))
	})
	answer := r.ask("GET /a", "Cookie: "+r.cookie(linked(t)), navigation)
	assert.Equal(t, http.StatusBadGateway, answer.StatusCode)
	assert.Equal(t, "10", answer.Header.Get("Retry-After"))
	assert.Equal(t, "page upstream_unavailable", bodyOf(t, answer))
}

// HTTP/2 in and out, the target byte for byte, and WebSockets by HTTP/1.1.
func TestHTTP2(t *testing.T) {
	var versions atomic.Int32
	portal := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		versions.Store(int32(q.ProtoMajor))
		if q.Header.Get("Upgrade") != "" {
			echo(w, q)
			return
		}
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, q.RequestURI+" "+q.Header.Get("X-Forwarded-User")+" "+q.Header.Get("Cookie"))
		w.Header().Set("X-Sum", "42")
	}))
	portal.Config.Protocols = new(http.Protocols)
	portal.Config.Protocols.SetHTTP1(true)
	portal.Config.Protocols.SetUnencryptedHTTP2(true)
	portal.Start()
	t.Cleanup(portal.Close)
	r := newRig(t, nil, func(c *proxy.Config) { c.Upstream, c.UpstreamHTTP2 = parse(portal.URL), true })
	cookie := r.cookie(linked(t)) + "; PHPSESSID=a"
	for name, browser := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2": second(t)} {
		for _, path := range []string{"/a?b;c=%zz&&", "/%E1%BB%87/;x/a%2Fb", "/a//b"} {
			q := r.request(http.MethodGet, "", nil, cookie)
			q.Header.Set("X-Forwarded-User", "forged")
			q.Header.Set("X_Forwarded_User", "forged")
			q.URL.Opaque = path
			answer, err := browser.Do(q)
			require.NoError(t, err, name)
			assert.Equal(t, path+" u-17 PHPSESSID=a", bodyOf(t, answer), name)
			assert.Equal(t, "42", answer.Trailer.Get("X-Sum"), name)
			assert.EqualValues(t, 2, versions.Load(), name)
		}
	}
	answer, err := second(t).Do(r.request(http.MethodPost, "/a", strings.NewReader("x"), ""))
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	assert.Empty(t, answer.Header.Get("Connection"), "a connection that others share")
	stray := r.request(http.MethodGet, "/a", nil, cookie)
	stray.Host = "other.example"
	answer, err = second(t).Do(stray)
	require.NoError(t, err)
	assert.Equal(t, http.StatusMisdirectedRequest, answer.StatusCode)

	conn, _, err := r.dial("/live", r.cookie(linked(t)), "https://"+publicHost)
	require.NoError(t, err)
	says(t, conn, "by HTTP/1.1")
	assert.EqualValues(t, 1, versions.Load())
}

func TestUpstreamTLS(t *testing.T) {
	portal := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.TLS.PeerCertificates[0].Subject.String()+" "+q.Host)
	}))
	portal.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	portal.StartTLS()
	t.Cleanup(portal.Close)
	roots := x509.NewCertPool()
	roots.AddCert(portal.Certificate())
	for name, test := range map[string]struct {
		settings *tls.Config
		status   int
	}{
		"private authority, client certificate": {&tls.Config{RootCAs: roots, Certificates: portal.TLS.Certificates}, 200},
		"no client certificate":                 {&tls.Config{RootCAs: roots}, 502},
		"the system's authorities":              {&tls.Config{Certificates: portal.TLS.Certificates}, 502},
		"another name":                          {&tls.Config{RootCAs: roots, Certificates: portal.TLS.Certificates, ServerName: "other.internal"}, 502},
		"none":                                  {nil, 502},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, func(c *proxy.Config) { c.Upstream, c.UpstreamTLS = parse(portal.URL), test.settings })
			answer := r.ask("GET /a", "Cookie: "+r.cookie(linked(t)))
			assert.Equal(t, test.status, answer.StatusCode)
			if test.status == http.StatusOK {
				assert.Contains(t, bodyOf(t, answer), publicHost)
			}
		})
	}
}

// A rule gives a slow page more time, or less, than the rest.
func TestResponseTimeoutOfARule(t *testing.T) {
	rules, err := proxy.NewRules([]proxy.Rule{
		{Path: "/report", Access: proxy.Protected, ResponseTimeout: time.Hour},
	})
	require.NoError(t, err)
	open := make(chan struct{})
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-open:
		case <-q.Context().Done():
		}
	}, func(c *proxy.Config) { c.Public, c.Rules, c.ResponseTimeout = nil, rules, 50*time.Millisecond })
	cookie := "Cookie: " + r.cookie(linked(t))
	slow := make(chan int, 1)
	go func() { slow <- r.ask("GET /report", cookie).StatusCode }()
	assert.Equal(t, http.StatusGatewayTimeout, r.ask("GET /a", cookie).StatusCode)
	close(open)
	assert.Equal(t, http.StatusOK, <-slow)
}
