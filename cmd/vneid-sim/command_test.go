package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

func get(t *testing.T, address string) []byte {
	t.Helper()
	answer, err := http.Get(address) //nolint:gosec // an address that this test was given by run
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return body
}

func TestRunServesAllUntilToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	reader, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{
			"all", "--listen-vneid=localhost:0", "--listen-population=127.0.0.1:0", "--listen-portal=127.0.0.1:0",
		}, out)
		_ = out.Close()
	}()

	addresses := map[string]string{}
	for range 3 {
		line := make([]byte, 200)
		n, err := reader.Read(line)
		require.NoError(t, err)
		name, address, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
		addresses[name] = strings.TrimSpace(address)
	}
	for name, address := range addresses {
		var people []map[string]any
		require.NoError(t, json.Unmarshal(get(t, address+"/personas.json"), &people), name)
		assert.Len(t, people, len(vneidtest.Personas()), name)
	}
	assert.True(t, strings.HasPrefix(addresses["vneid"], "http://localhost:"), "the host stays as written")
	assert.Contains(t, string(get(t, addresses["vneid"]+"/.well-known/openid-configuration")),
		`"issuer":"`+addresses["vneid"]+`"`)

	// A stream that never ends must not keep the process.
	stream, err := http.Get(addresses["portal"] + "/events?n=0")
	require.NoError(t, err)
	defer func() { _ = stream.Body.Close() }()
	stop()
	require.NoError(t, <-done)
	_, err = http.Get(addresses["population"] + "/personas.json")
	assert.Error(t, err, "nothing listens any more")
}

func TestRunRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no simulator":       {nil, "simulator"},
		"unknown simulator":  {[]string{"bank"}, "must be one of"},
		"beyond loopback":    {[]string{"portal", "--listen-portal=0.0.0.0:0"}, "not on loopback"},
		"every interface":    {[]string{"portal", "--listen-portal=:0"}, "not on loopback"},
		"no port":            {[]string{"vneid", "--listen-vneid=localhost"}, "missing port"},
		"no token":           {[]string{"population", "--listen-population=127.0.0.1:0", "--population-token="}, "Token is required"},
		"no portal token":    {[]string{"portal", "--listen-portal=127.0.0.1:0", "--credential-token="}, "CredentialToken is required"},
		"no key file":        {[]string{"vneid", "--listen-vneid=localhost:0", "--client-public-key=none.pem"}, "none.pem"},
		"no platform secret": {[]string{"population", "--listen-population=127.0.0.1:0", "--platform-secret="}, "Platform wants"},
		"no LGSP password":   {[]string{"population", "--listen-population=127.0.0.1:0", "--lgsp-password="}, "Province wants"},
		"unknown flag given": {[]string{"all", "--listen-bank=127.0.0.1:0"}, "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stop() // should it serve after all, it ends at once and without the error
			assert.ErrorContains(t, run(ctx, tc.args, io.Discard), tc.want)
		})
	}
}

// start runs the command with one simulator and returns its address.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, args, out)
		_ = out.Close()
	}()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-done)
	})
	line := make([]byte, 200)
	n, err := reader.Read(line)
	require.NoError(t, err)
	_, address, _ := strings.Cut(strings.TrimSpace(string(line[:n])), " ")
	return strings.TrimSpace(address)
}

// status is what a POST without a body is answered.
func status(t *testing.T, address string, header http.Header) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
	require.NoError(t, err)
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func TestPopulationIsReachedByEveryWay(t *testing.T) {
	ways := []string{"/v1/match", "/soap", "/lgsp/json/TraCuuThongTinCongDan", "/lgsp/text/TraCuuThongTinCongDan", "/lgsp/token", "/lgsp/soap"}
	all := start(t, "population", "--listen-population=127.0.0.1:0")
	for _, way := range ways {
		assert.Equal(t, http.StatusUnauthorized, status(t, all+way, http.Header{}), way)
	}
	few := start(t, "population", "--listen-population=127.0.0.1:0", "--platform-user=", "--lgsp-token=", "--lgsp-access-key=")
	assert.Equal(t, http.StatusUnauthorized, status(t, few+ways[0], http.Header{}))
	for _, way := range ways[1:] {
		assert.Equal(t, http.StatusNotFound, status(t, few+way, http.Header{}), way)
	}
}

// TestPlatformSignsItsOwnAddress holds the default of the address signed, and
// the unit: past the signature, an empty request is a fault.
func TestPlatformSignsItsOwnAddress(t *testing.T) {
	for flag, scale := range map[string]int64{"--platform-seconds": 1, "--platform-seconds=false": 1000} {
		address := start(t, "population", "--listen-population=127.0.0.1:0", flag)
		stamp := strconv.FormatInt(time.Now().Unix()*scale, 10)
		sum := sha256.Sum256([]byte(address + "/soap" + "simulated-platform-user" + stamp + "simulated-platform-secret"))
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth("simulated-platform-user", hex.EncodeToString(sum[:]))
		r.Header.Set("Timestamp", stamp)
		r.Header.Set("X-Road-Client", "VN/GOV/099/vneid-sim")
		r.Header.Set("ApiKey", "simulated-platform-api-key")
		assert.Equal(t, http.StatusInternalServerError, status(t, address+"/soap", r.Header), flag)
		r.Header.Set("Timestamp", stamp+"0")
		assert.Equal(t, http.StatusUnauthorized, status(t, address+"/soap", r.Header), flag)
	}
}

func TestVNeIDKnowsTheClientsKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "client.pem")
	require.NoError(t, os.WriteFile(file, pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)), 0o600))
	const begin = "/v2/authorize?response_type=code&client_id=vneid-proxy&scope=openid&state=s&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F_vneid%2Fcallback"
	assert.Contains(t, string(get(t, start(t, "vneid", "--listen-vneid=localhost:0", "--client-public-key="+file)+begin)), "<form")
	answer, err := http.Get(start(t, "vneid", "--listen-vneid=localhost:0") + begin)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusBadRequest, answer.StatusCode, "kept off that wire")
}

func TestRunShowsHelp(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, &out))
	assert.Contains(t, out.String(), "--listen-vneid")
}
