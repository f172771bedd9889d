package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const procTerm = syscall.SIGTERM

// procGate is a portal whose /assets/slow answers half, and the rest once it is
// let go.
type procGate struct{ begun, open chan struct{} }

func (g procGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/assets/slow" {
		_, _ = io.WriteString(w, "first half, ")
		_ = http.NewResponseController(w).Flush()
		close(g.begun)
		<-g.open
		_, _ = io.WriteString(w, "second half")
		return
	}
	_, _ = io.WriteString(w, "quick")
}

func TestDrain(t *testing.T) {
	for _, test := range []struct {
		name, delay string
		taken       bool // requests after the signal
	}{
		{"at once", "DRAIN_DELAY=0s", false},
		{"after a delay that outlasts the test", "DRAIN_DELAY=10m", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			gate := procGate{make(chan struct{}), make(chan struct{})}
			w := newProcWorld(t, procWorldConfig{portal: gate})
			c := procServe(t, w.environ(test.delay, "DRAIN_TIMEOUT=10m"))
			status, components := procReady(t, c)
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, "ok", components["serving"])

			slow := make(chan procPage, 1)
			b := newProcBrowser(t, w.public, c.address, nil, nil)
			go func() {
				page, err := b.get("/assets/slow")
				assert.NoError(t, err)
				slow <- page
			}()
			select {
			case <-gate.begun:
			case <-time.After(procPatience):
				close(gate.open)
				require.Fail(t, "the request has not reached the portal")
			}
			c.signal(t, procTerm)
			require.Eventually(t, func() bool {
				status, components = procReady(t, c)
				return status == http.StatusServiceUnavailable
			}, procPatience, 5*time.Millisecond)
			assert.Equal(t, "draining", components["serving"])
			assert.Equal(t, "ok", components["revocation_feed"])
			status, _ = procPlain(t, c.admin+"/livez")
			assert.Equal(t, http.StatusOK, status, "alive while it drains")
			if test.taken {
				page, err := newProcBrowser(t, w.public, c.address, nil, nil).get("/assets/quick")
				require.NoError(t, err, "taken until load balancers have heard of it")
				assert.Equal(t, "quick", page.body)
			}
			assert.False(t, c.over())
			close(gate.open)
			select {
			case page := <-slow:
				assert.Equal(t, http.StatusOK, page.status)
				assert.Equal(t, "first half, second half", page.body)
			case <-time.After(procPatience):
				require.Fail(t, "the request under way was not answered")
			}
			if !test.taken {
				assert.Equal(t, 0, c.code(t))
				_, err := b.get("/assets/quick")
				assert.Error(t, err, "nobody listens any more")
				assert.NoFileExists(t, w.ledger()+"-wal", "the ledger was closed in order")
			}
		})
	}
}

func TestDrainEndsWhatTakesTooLong(t *testing.T) {
	gate := procGate{make(chan struct{}), make(chan struct{})}
	w := newProcWorld(t, procWorldConfig{portal: gate})
	t.Cleanup(func() { close(gate.open) })
	c := procServe(t, w.environ("DRAIN_TIMEOUT=1s"))
	cut := make(chan error, 1)
	go func() {
		_, err := newProcBrowser(t, w.public, c.address, nil, nil).get("/assets/slow")
		cut <- err
	}()
	<-gate.begun
	c.signal(t, procTerm)
	assert.Equal(t, 1, c.code(t), "not everybody was answered")
	assert.Error(t, <-cut)
}

func TestProbes(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	t.Run("all well", func(t *testing.T) {
		c := procServe(t, w.environ())
		status, body := procPlain(t, c.admin+"/livez")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "ok\n", body)
		status, components := procReady(t, c)
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, map[string]string{"revocation_feed": "ok", "serving": "ok", "ledger": "ok", "provider": "ok"}, components)
		status, body = procPlain(t, c.admin+"/version")
		assert.Equal(t, http.StatusOK, status)
		var said map[string]string
		require.NoError(t, json.Unmarshal([]byte(body), &said))
		assert.NotEmpty(t, said["version"])
		shown := procStart(t, nil, "version")
		require.Equal(t, 0, shown.code(t))
		assert.Equal(t, "vneid-proxy "+said["version"]+"\n", shown.stdout.String())
		for path, want := range map[string]int{"/debug/pprof/": 404, "/": 404, "/metrics": 200} {
			status, _ = procPlain(t, c.admin+path)
			assert.Equal(t, want, status, path)
		}
		for _, path := range []string{"/metrics", "/livez", "/readyz", "/version"} {
			page, err := newProcBrowser(t, w.public, c.address, nil, nil).ask(http.MethodGet, path, http.Header{"Accept": {"*/*"}}, nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, page.status, "%s is the admin listener's alone", path)
		}
	})
	t.Run("provider down", func(t *testing.T) {
		c := procServe(t, w.environ("ISSUER_URL=http://localhost:1"))
		status, components := procReady(t, c)
		assert.Equal(t, http.StatusOK, status, "live sessions go on")
		assert.Equal(t, map[string]string{"revocation_feed": "ok", "serving": "ok", "ledger": "ok", "provider": "unavailable"}, components)
		page, err := newProcBrowser(t, w.public, c.address, nil, nil).get("/_vneid/start?rd=/ho-so")
		require.NoError(t, err)
		assert.Equal(t, http.StatusServiceUnavailable, page.status)
		assert.NotEmpty(t, page.header.Get("Retry-After"))
	})
	t.Run("profiles when asked for", func(t *testing.T) {
		status, _ := procPlain(t, procServe(t, w.environ("PPROF=true")).admin+"/debug/pprof/")
		assert.Equal(t, http.StatusOK, status)
	})
}

// TestLedgerAway takes the ledger's locks from another process, as a backup
// gone wrong would: the feed grows too old, nobody is forwarded, nobody is
// signed out, and all goes on by itself once the ledger is back.
func TestLedgerAway(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	c := procServe(t, w.environ("REVOCATION_MAX_AGE=1s"))
	b := newProcBrowser(t, w.public, c.address, nil, nil)
	page, err := b.atVNeID("/ho-so", map[string]string{"persona": "linked"})
	require.NoError(t, err)
	require.Equal(t, "/ho-so", page.url.Path)
	require.Equal(t, http.StatusOK, page.status)

	index, err := os.OpenFile(w.ledger()+"-shm", os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { _ = index.Close() }()
	// Bytes 120 to 127 are the write, checkpoint, recovery and read locks of
	// the write-ahead log (sqlite.org/walformat.html, 2.3).
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 120, Len: 8}
	require.NoError(t, syscall.FcntlFlock(index.Fd(), syscall.F_SETLKW, &lock))
	require.Eventually(t, func() bool {
		page, err = b.get("/ho-so")
		return err == nil && page.status == http.StatusServiceUnavailable
	}, procPatience, 20*time.Millisecond)
	assert.NotEmpty(t, page.header.Get("Retry-After"))
	assert.Empty(t, page.header.Values("Set-Cookie"), "cookies are kept")
	status, components := procReady(t, c)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "too old", components["revocation_feed"])
	assert.NotEqual(t, "ok", components["ledger"])
	status, _ = procPlain(t, c.admin+"/livez")
	assert.Equal(t, http.StatusOK, status, "no reason to restart it")

	lock.Type = syscall.F_UNLCK
	require.NoError(t, syscall.FcntlFlock(index.Fd(), syscall.F_SETLK, &lock))
	require.Eventually(t, func() bool {
		page, err = b.get("/ho-so")
		return err == nil && page.status == http.StatusOK
	}, procPatience, 20*time.Millisecond)
	assert.Equal(t, "/ho-so", page.url.Path, "without a new sign-in")
	require.Eventually(t, func() bool { status, _ := procReady(t, c); return status == http.StatusOK }, procPatience, 20*time.Millisecond)
}

// procAuthority is an authority of this test alone and a certificate of it for
// the portal; both files are in PEM.
func procAuthority(t *testing.T) (roots *x509.CertPool, certificate, key string) {
	t.Helper()
	folder := t.TempDir()
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(parsed)

	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: procHost}, DNSNames: []string{procHost}, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	signed, err = x509.CreateCertificate(rand.Reader, leaf, parsed, ownKey.Public(), authorityKey)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(ownKey)
	require.NoError(t, err)
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return roots, certificate, key
}

func TestTLS(t *testing.T) {
	roots, certificate, key := procAuthority(t)
	w := newProcWorld(t, procWorldConfig{scheme: "https"})
	c := procServe(t, w.environ("TLS_CERT_FILE="+certificate, "TLS_KEY_FILE="+key))
	trail := &procTrail{}
	b := newProcBrowser(t, w.public, c.address, trail, roots)
	page, err := b.atVNeID("/ho-so", map[string]string{"persona": "linked"})
	require.NoError(t, err)
	assert.Equal(t, w.public+"/ho-so", page.url.String())
	assert.Equal(t, http.StatusOK, page.status)
	got, err := b.as()
	require.NoError(t, err)
	assert.Equal(t, []string{"https"}, got["X-Forwarded-Proto"])
	assert.NotContains(t, got, "Cookie", "ours stay here")

	seen := map[string]bool{}
	for _, cookie := range trail.cookies {
		kind, isHost := strings.CutPrefix(cookie.Name, "__Host-vneid_")
		if cookie.Name == "PORTAL_SID" {
			assert.True(t, cookie.Secure)
			continue
		}
		seen[strings.TrimRight(kind, "_01234567")] = true
		assert.True(t, isHost, cookie.Name)
		assert.True(t, cookie.Secure, cookie.Name)
		assert.True(t, cookie.HttpOnly, cookie.Name)
		assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite, cookie.Name)
		assert.Equal(t, "/", cookie.Path, cookie.Name)
		assert.Empty(t, cookie.Domain, cookie.Name)
	}
	assert.True(t, seen["session"] && seen["attempt"], "%v", seen)

	stranger := newProcBrowser(t, w.public, c.address, nil, x509.NewCertPool())
	_, err = stranger.get("/ho-so")
	assert.ErrorAs(t, err, new(*tls.CertificateVerificationError))
	for version, taken := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", c.address, &tls.Config{RootCAs: roots, ServerName: procHost, MinVersion: version, MaxVersion: version})
		assert.Equal(t, taken, err == nil, tls.VersionName(version))
		if err == nil {
			assert.NoError(t, conn.Close())
		}
	}
	c.signal(t, procTerm)
	assert.Equal(t, 0, c.code(t))
}
