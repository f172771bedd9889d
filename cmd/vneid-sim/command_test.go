package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

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
		"unknown flag given": {[]string{"all", "--listen-bank=127.0.0.1:0"}, "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stop() // should it serve after all, it ends at once and without the error
			assert.ErrorContains(t, run(ctx, tc.args, io.Discard), tc.want)
		})
	}
}

func TestRunShowsHelp(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, &out))
	assert.Contains(t, out.String(), "--listen-vneid")
}
