package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkAuthority signs certificates for a test.
type checkAuthority struct {
	t           *testing.T
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // in PEM, for SSL_CERT_FILE
}

func newCheckAuthority(t *testing.T) *checkAuthority {
	t.Helper()
	a := &checkAuthority{t: t, file: filepath.Join(t.TempDir(), "authority.pem")}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(10000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	require.NoError(t, err)
	a.certificate, err = x509.ParseCertificate(signed)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	return a
}

// leaf makes a certificate of that name, from and until so long from now; the
// names are of files in PEM.
func (a *checkAuthority) leaf(name string, from, until time.Duration) (certificate, key string) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	signed, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: checkCanary}, DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.certificate, own.Public(), a.key)
	require.NoError(a.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(own)
	require.NoError(a.t, err)
	folder := a.t.TempDir()
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	require.NoError(a.t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(a.t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

const year = 365 * 24 * time.Hour

// server serves nothing of use over TLS, at localhost.
func (a *checkAuthority) server(name string, from, until time.Duration, limit uint16) string {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.leaf(name, from, until))
	require.NoError(a.t, err)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: limit}
	s.StartTLS()
	a.t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(a.t, err)
	return "https://localhost:" + port
}

func TestCheckTellsTLSFaultsInWords(t *testing.T) {
	w, a := newProcWorld(t, procWorldConfig{}), newCheckAuthority(t)
	for _, test := range []struct {
		name        string
		certificate string
		from, until time.Duration
		limit       uint16
		trusted     bool
		says, mend  string // "" for a good one
	}{
		{"good", "localhost", -time.Hour, year, 0, true, "", ""},
		{"expired", "localhost", -100 * time.Hour, -time.Hour, 0, true, "has expired or is not valid yet", "renewed"},
		{"of the future", "localhost", time.Hour, year, 0, true, "has expired or is not valid yet", "clock"},
		{"another name", "elsewhere.example", -time.Hour, year, 0, true, "for another name", "as the certificate names it"},
		{"unknown authority", "localhost", -time.Hour, year, 0, false, "does not know", "SSL_CERT_FILE"},
		{"TLS 1.1", "localhost", -time.Hour, year, tls.VersionTLS11, true, "breaks off the TLS handshake", "TLS 1.2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := a.server(test.certificate, test.from, test.until, test.limit)
			environ := w.environ("POPULATION_URL="+address+"/v1/match", "ISSUER_URL="+address)
			if test.trusted {
				environ = append(environ, "SSL_CERT_FILE="+a.file)
			} else {
				environ = append(environ, "SSL_CERT_FILE="+newCheckAuthority(t).file)
			}
			_, found := checkRun(t, w, environ)
			if test.says == "" {
				assert.Equal(t, []string{"fault provider.reach"}, checkOthers(found), "the connection is good, and 404 behind it")
				checkMentions(t, found, "answers 404", "ISSUER_URL")
				return
			}
			assert.Equal(t, []string{"fault population.reach", "fault provider.reach"}, checkOthers(found))
			checkMentions(t, found, test.says, "VNEID_PROXY_POPULATION_URL: ")
			checkMentions(t, found, test.says, "VNEID_PROXY_ISSUER_URL: ")
			checkMentions(t, found, test.says, test.mend)
		})
	}
}

func TestCheckOfOwnCertificate(t *testing.T) {
	w, a := newProcWorld(t, procWorldConfig{scheme: "https"}), newCheckAuthority(t)
	_, otherKey := a.leaf(procHost, -time.Hour, year)
	for _, test := range []struct {
		name        string
		host        string
		from, until time.Duration
		key         string // instead of its own
		trusted     bool
		others      string
		says        string
	}{
		{"good", procHost, -time.Hour, year, "", true, "", "names " + procHost},
		{"ends soon", procHost, -time.Hour, 29 * 24 * time.Hour, "", true, "warning listener.certificate", "expires on"},
		{"has ended", procHost, -100 * time.Hour, -time.Hour, "", true, "fault listener.certificate", "expired on"},
		{"has not begun", procHost, time.Hour, year, "", true, "fault listener.certificate", "not valid yet"},
		{"another host", "elsewhere.example", -time.Hour, year, "", true, "fault listener.certificate", "does not name " + procHost},
		{"nobody's", procHost, -time.Hour, year, "", false, "warning listener.certificate", "no authority"},
		{"another key", procHost, -time.Hour, year, otherKey, true, "fault listener.certificate", "do not belong together"},
		{"no key", procHost, -time.Hour, year, "/nowhere/tls.key", true, "fault listener.certificate", "/nowhere/tls.key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			certificate, key := a.leaf(test.host, test.from, test.until)
			if test.key != "" {
				key = test.key
			}
			environ := w.environ("TLS_CERT_FILE="+certificate, "TLS_KEY_FILE="+key)
			if test.trusted {
				environ = append(environ, "SSL_CERT_FILE="+a.file)
			}
			_, found := checkRun(t, w, environ)
			assert.Equal(t, test.others, strings.Join(checkOthers(found), " "))
			mend := ""
			if test.others != "" {
				mend = "VNEID_PROXY_TLS_CERT_FILE"
			}
			checkMentions(t, found, test.says, mend)
		})
	}
}
