package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pemFile(t *testing.T, kind string, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: text}), 0o600))
	return name
}

func publicFile(t *testing.T, public any) string {
	t.Helper()
	text, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return pemFile(t, "PUBLIC KEY", text)
}

// TestVNeIDOverTLS: with a certificate it speaks https and calls itself so; with
// a public key its client may use the encrypted wire.
func TestVNeIDOverTLS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()

	ctx, stop := context.WithCancel(t.Context())
	reader, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{
			"vneid", "--listen-vneid=localhost:0", "--redirect-uri=https://portal.invalid/back",
			"--vneid-tls-cert=" + pemFile(t, "CERTIFICATE", signed),
			"--vneid-tls-key=" + pemFile(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
			"--client-public-key=" + publicFile(t, key.Public()),
		}, out)
		_ = out.Close()
	}()
	line := make([]byte, 200)
	n, err := reader.Read(line)
	require.NoError(t, err)
	address := strings.Fields(string(line[:n]))[1]
	require.True(t, strings.HasPrefix(address, "https://localhost:"), address)

	ask := func(path string) (int, string) {
		answer, err := client.Get(address + path)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(body)
	}
	_, body := ask("/.well-known/openid-configuration")
	assert.Contains(t, body, `"issuer":"`+address+`"`)
	status, _ := ask("/v2/authorize?response_type=code&client_id=vneid-proxy&redirect_uri=https://portal.invalid/back&scope=openid&state=x")
	assert.Equal(t, http.StatusFound, status)
	stop()
	require.NoError(t, <-done)
}

func TestVNeIDRefuses(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(plain, []byte("no key"), 0o600))
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a certificate without a key":  {[]string{"--vneid-tls-cert=" + plain}, "--vneid-tls-key"},
		"a certificate that is no PEM": {[]string{"--vneid-tls-cert=" + plain, "--vneid-tls-key=" + plain}, "vneid: tls"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stop() // should it serve after all, it ends at once and without the error
			assert.ErrorContains(t, run(ctx, append([]string{"vneid", "--listen-vneid=localhost:0"}, tc.args...), io.Discard), tc.want)
		})
	}
}
