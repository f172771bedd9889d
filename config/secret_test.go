package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestSecretFromFile(t *testing.T) {
	for content, want := range map[string]string{
		"hunter2": "hunter2", "hunter2\n": "hunter2", "hunter2\r\n": "hunter2", " hunter2 \n": " hunter2 ",
	} {
		path := write(t, content)
		c := load(t, "CLIENT_SECRET_FILE="+path)
		assert.Equal(t, want, c.Provider.ClientSecret.Reveal())
		assert.Equal(t, path, c.Provider.ClientSecret.File())
		assert.Equal(t, []string{path}, c.Files())
	}
	c := load(t, "CLIENT_SECRET=hunter2")
	assert.Equal(t, "hunter2", c.Provider.ClientSecret.Reveal())
	assert.Empty(t, c.Provider.ClientSecret.File())
	assert.Empty(t, c.Files())
}

// To rotate is to write the file and load the same environment again.
func TestKeysReload(t *testing.T) {
	path := write(t, key(8)+"\n")
	environ := minimal(t, "SECRET_KEYS=", "SECRET_KEYS_FILE="+path)
	c, err := config.Load(environ)
	require.NoError(t, err)
	assert.Equal(t, path, c.Keys.Cookies.File())
	require.NoError(t, os.WriteFile(path, []byte(key(9)+","+key(8)+"\n"), 0o600))
	c, err = config.Load(environ)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{bytes.Repeat([]byte{9}, 32), bytes.Repeat([]byte{8}, 32)}, c.Keys.Cookies.Reveal())
}

// Whoever asks at each use follows a rotation without a reload; a file that
// cannot be used changes nothing.
func TestSecretFollowsItsFile(t *testing.T) {
	path := write(t, "old\n")
	secret := load(t, "CLIENT_SECRET_FILE="+path).Provider.ClientSecret
	assert.Equal(t, "old", secret.Current())
	require.NoError(t, os.WriteFile(path, []byte("new\n"), 0o600))
	assert.Equal(t, "new", secret.Current())
	assert.Equal(t, "old", secret.Reveal())
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	assert.Equal(t, "old", secret.Current())
	require.NoError(t, os.Remove(path))
	assert.Equal(t, "old", secret.Current())
	assert.Equal(t, "hunter2", load(t, "CLIENT_SECRET=hunter2").Provider.ClientSecret.Current())
}

func TestSecretFileTooLarge(t *testing.T) {
	_, err := config.Load(minimal(t, "CLIENT_SECRET_FILE="+write(t, strings.Repeat("x", 65<<10))))
	require.ErrorContains(t, err, "at most 65536 bytes")
}

func TestSecretsPrintMasked(t *testing.T) {
	c := load(t, "CLIENT_SECRET=hunter2", "DIRECTORY_TOKEN=hunter2", "POPULATION_TOKEN=hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", c.Provider.ClientSecret, "keys", c.Keys.Cookies, "all", c)
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	printed := log.String() + string(encoded) + fmt.Sprint(c) + fmt.Sprintf("%+v %#v", c, c) +
		fmt.Sprintf("%s %q %x %d %v", c.Provider.ClientSecret, c.Provider.ClientSecret, c.Provider.ClientSecret, c.Keys.Cookies, &c.Keys.Ledger) +
		c.Provider.ClientSecret.String() + c.Keys.Cookies.String()
	assert.Contains(t, printed, "[secret]")
	for _, revealed := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), key(1), "1 1 1 1", "1, 1, 1", "0x1, 0x1", "010101"} {
		assert.NotContains(t, printed, revealed)
	}
}
