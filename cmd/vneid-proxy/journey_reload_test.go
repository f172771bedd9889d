package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readJSON(from io.Reader, into any) error { return json.NewDecoder(from).Decode(into) }

// writeFile puts a file in the place of another, as a mounted Secret does.
func writeFile(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name+".next", []byte(text), 0o600))
	require.NoError(t, os.Rename(name+".next", name))
}

func pemOf(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// Secrets and keys are changed on disk while the product serves: a good one
// counts, a bad one leaves the last good in force, and a metric says which.
func TestSecretsAndKeysAreReadAnew(t *testing.T) {
	right, err := wireKey()
	require.NoError(t, err)
	wrong, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "vneid-reload-") // no comma, which parts names
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	secret, key := filepath.Join(folder, "secret"), filepath.Join(folder, "key.pem")
	writeFile(t, secret, "not-the-secret")
	writeFile(t, key, pemOf(wrong))
	r := newRig(t, rigWorld{wire: wireEncrypted(), env: map[string]string{
		"CLIENT_SECRET": "", "CLIENT_SECRET_FILE": secret, "DECRYPTION_KEY_FILES": key,
	}})
	signIn := func() int {
		p := r.person(t)
		return p.vneid(p.visit(wanted), "linked").status
	}
	put := func(file, label, outcome, text string) {
		t.Helper()
		series := `vneid_proxy_config_reloads_total{file="` + label + `",outcome="` + outcome + `"}`
		before := r.metric(series)
		writeFile(t, file, text)
		require.Eventually(t, func() bool { return r.metric(series) > before }, time.Minute, 50*time.Millisecond)
		good := 0.0
		if outcome == "ok" {
			good = 1
		}
		assert.Equal(t, good, r.metric(`vneid_proxy_config_last_reload_successful{file="`+label+`"}`))
	}
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_config_last_reload_successful{file="client_secret"}`))
	assert.NotEqual(t, http.StatusOK, signIn(), "neither is right")
	put(secret, "client_secret", "ok", "client-secret\n")
	assert.NotEqual(t, http.StatusOK, signIn(), "the key is not")
	put(key, "decryption_keys", "ok", pemOf(right))
	assert.Equal(t, http.StatusOK, signIn())
	put(secret, "client_secret", "refused", "")
	put(key, "decryption_keys", "refused", "no key at all")
	assert.Equal(t, http.StatusOK, signIn(), "the last good ones hold")
	put(secret, "client_secret", "ok", "changed-again")
	assert.NotEqual(t, http.StatusOK, signIn())
	put(key, "decryption_keys", "ok", pemOf(right))
	put(secret, "client_secret", "ok", "client-secret")
	assert.Equal(t, http.StatusOK, signIn())
}
