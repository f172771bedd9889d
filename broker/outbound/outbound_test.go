package outbound_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/outbound"
)

type answer struct {
	Word *string `json:"word"`
}

func reply(status int, media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func ask(t *testing.T, address string, cfg outbound.Config) (string, int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	var a answer
	status, err := outbound.JSON(outbound.New(cfg), r, &a)
	if a.Word == nil {
		return "", status, err
	}
	return *a.Word, status, err
}

func TestJSON(t *testing.T) {
	const js = "application/json"
	for name, test := range map[string]struct {
		reply http.HandlerFunc
		cause outbound.Cause // "": a good answer
	}{
		"plain":               {reply(200, js, `{"word":"có"}`), ""},
		"charset":             {reply(200, js+"; charset=utf-8", `{"word":"có","more":1}`), ""},
		"suffix":              {reply(200, "application/jwk-set+json", `{"word":"có"}`), ""},
		"just fits":           {reply(200, js, `{"word":"có"}`+strings.Repeat(" ", outbound.MaxBody-14)), ""},
		"one byte more":       {reply(200, js, `{"word":"có"}`+strings.Repeat(" ", outbound.MaxBody-13)), outbound.TooLarge},
		"endless":             {endless, outbound.TooLarge},
		"html":                {reply(200, "text/html", `{"word":"có"}`), outbound.Malformed},
		"no media type":       {reply(200, "", `{"word":"có"}`), outbound.Malformed},
		"member twice":        {reply(200, js, `{"word":"có","word":"không"}`), outbound.Malformed},
		"unknown twice":       {reply(200, js, `{"word":"có","a":1,"a":2}`), outbound.Malformed},
		"trailing":            {reply(200, js, `{"word":"có"}{}`), outbound.Malformed},
		"wrong type":          {reply(200, js, `{"word":1}`), outbound.Malformed},
		"cut":                 {cut, outbound.Malformed},
		"not UTF-8":           {reply(200, js, "{\"word\":\"c\xff\"}"), outbound.Malformed},
		"gzip":                {gzipped, outbound.Malformed},
		"other encoding":      {encoded, outbound.Malformed},
		"empty":               {reply(200, js, ``), outbound.Malformed},
		"other success":       {reply(201, js, `{"word":"có"}`), outbound.Refused},
		"forbidden":           {reply(403, js, `{"word":"có"}`), outbound.Refused},
		"too many":            {reply(429, js, `{"word":"có"}`), outbound.Unavailable},
		"server error":        {reply(500, js, `{"word":"có"}`), outbound.Unavailable},
		"hangs up":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outbound.Unavailable},
		"enormous one header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 100<<10)) }, outbound.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.reply)
			defer server.Close()
			word, _, err := ask(t, server.URL, outbound.Config{})
			if test.cause == "" {
				require.NoError(t, err)
				assert.Equal(t, "có", word)
				return
			}
			assert.Equal(t, &outbound.Error{Cause: test.cause}, err)
			assert.Equal(t, "outbound: "+string(test.cause), err.Error())
		})
	}
}

// Read hands back the body of a fault too, and none of another media type.
func TestRead(t *testing.T) {
	for name, test := range map[string]struct {
		reply  http.HandlerFunc
		status int
		body   string
		cause  outbound.Cause
	}{
		"good":         {reply(200, "text/xml; charset=utf-8", "<a/>"), 200, "<a/>", ""},
		"other good":   {reply(200, "application/xml", "<a/>"), 200, "<a/>", ""},
		"fault":        {reply(500, "text/xml", "<fault/>"), 500, "<fault/>", outbound.Unavailable},
		"unauthorized": {reply(401, "text/html", "no"), 401, "no", outbound.Refused},
		"html":         {reply(200, "text/html", "<a/>"), 200, "", outbound.Malformed},
		"none":         {reply(200, "", "<a/>"), 200, "", outbound.Malformed},
		"endless":      {endless, 0, "", outbound.TooLarge},
		"gzip":         {gzipped, 0, "", outbound.Malformed},
	} {
		server := httptest.NewServer(test.reply)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		require.NoError(t, err)
		status, body, err := outbound.Read(outbound.New(outbound.Config{}), r, "text/xml", "application/xml")
		server.Close()
		assert.Equal(t, test.status, status, name)
		assert.Equal(t, test.body, string(body), name)
		if test.cause == "" {
			assert.NoError(t, err, name)
			continue
		}
		assert.Equal(t, &outbound.Error{Cause: test.cause}, err, name)
	}
}

// Another member name in other case is another member: nothing is read.
func TestJSONFoldsNoCase(t *testing.T) {
	server := httptest.NewServer(reply(200, "application/json", `{"Word":"có"}`))
	defer server.Close()
	word, status, err := ask(t, server.URL, outbound.Config{})
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Empty(t, word)
}

func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	block := strings.Repeat(" ", 64<<10)
	for {
		if _, err := io.WriteString(w, block); err != nil {
			return
		}
	}
}

// encoded says that it is compressed and is not: the header alone decides.
func encoded(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "br")
	_, _ = io.WriteString(w, `{"word":"có"}`)
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"word":"có"}`)
}

func gzipped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, `{"word":"có"}`)
	_ = z.Close()
}

// A transport of somebody else's may inflate by itself: the answer is refused
// all the same.
func TestForeignTransportInflatesNothing(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Encoding")
		gzipped(w, r)
	}))
	defer server.Close()
	_, _, err := ask(t, server.URL, outbound.Config{Transport: &http.Transport{}})
	assert.Equal(t, &outbound.Error{Cause: outbound.Malformed}, err)
	assert.Equal(t, "identity", asked)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		_, got, err := ask(t, server.URL, outbound.Config{})
		server.Close()
		assert.Equal(t, &outbound.Error{Cause: outbound.Refused}, err)
		assert.Equal(t, status, got)
	}
	assert.Zero(t, followed.Load())
}

// Silence before the header and a drip after it both end at the deadline.
func TestDeadline(t *testing.T) {
	for name, start := range map[string]string{"silent": "", "drip": `{"word":`} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if start != "" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, start)
					_ = http.NewResponseController(w).Flush()
				}
				<-over
			}))
			defer server.Close()
			defer close(over)
			_, _, err := ask(t, server.URL, outbound.Config{Timeout: 50 * time.Millisecond})
			assert.Equal(t, &outbound.Error{Cause: outbound.Timeout}, err)
		})
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(reply(200, "application/json", `{"word":"có"}`))
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	word, _, err := ask(t, server.URL, outbound.Config{RootCAs: roots})
	require.NoError(t, err)
	assert.Equal(t, "có", word)
	_, _, err = ask(t, server.URL, outbound.Config{})
	assert.Equal(t, &outbound.Error{Cause: outbound.Unavailable}, err, "an unknown authority")

	old := httptest.NewUnstartedServer(reply(200, "application/json", `{"word":"có"}`))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	roots.AddCert(old.Certificate())
	_, _, err = ask(t, old.URL, outbound.Config{RootCAs: roots})
	assert.Equal(t, &outbound.Error{Cause: outbound.Unavailable}, err, "TLS 1.1")
}

// proxied counts requests to the proxy that the environment names.
var proxied atomic.Int32

// TestMain names a proxy: net/http reads the environment once a process, before
// whichever test comes first.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		_ = os.Setenv(name, proxy.URL)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		_ = os.Unsetenv(name)
	}
	status := m.Run()
	proxy.Close()
	os.Exit(status)
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	_, _, err := ask(t, "http://vneid.invalid/", outbound.Config{Timeout: time.Second})
	require.Error(t, err)
	assert.Zero(t, proxied.Load())
}

func TestCauseOf(t *testing.T) {
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(fmt.Errorf("x: %w", context.DeadlineExceeded)))
	assert.Equal(t, outbound.Unavailable, outbound.CauseOf(errors.New("x")))
	assert.Equal(t, outbound.TooLarge, outbound.CauseOf(fmt.Errorf("x: %w", &outbound.Error{Cause: outbound.TooLarge})))
}

func TestParseAddress(t *testing.T) {
	for text, good := range map[string]bool{
		"https://dan-cu.example/v1/match": true,
		"http://127.0.0.1:8082/match":     true,
		"http://[::1]:8082/match":         true,
		"http://localhost/match":          true,
		"http://dan-cu.example/":          false,
		"http://localhost.example/":       false,
		"http://127.0.0.1.example/":       false,
		"https://u:p@dan-cu.example/":     false,
		"https://dan-cu.example/#x":       false,
		"https:dan-cu.example":            false,
		"https:///match":                  false,
		"//dan-cu.example/":               false,
		"/match":                          false,
		"":                                false,
		"ftp://dan-cu.example/":           false,
		"https://dan-cu.example:x/":       false,
	} {
		_, err := outbound.ParseAddress(text, false)
		if good {
			assert.NoError(t, err, text)
		} else {
			assert.Equal(t, outbound.ErrAddress, err, text)
		}
	}
	_, err := outbound.ParseAddress("http://dan-cu.example/", true)
	assert.NoError(t, err)
}
