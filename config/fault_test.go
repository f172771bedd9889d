package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

// Each file under testdata/bad is one bad configuration, laid over the
// minimal good one; beside it is the whole message.
func TestBad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.env"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".env"), func(t *testing.T) {
			c, err := config.Load(append(minimal(t), environment(t, file)...))
			var faults *config.Faults
			require.ErrorAs(t, err, &faults)
			assert.Equal(t, config.Config{}, c, "nothing half made")
			assert.NotContains(t, err.Error(), "hunter2")

			wantFile := strings.TrimSuffix(file, ".env") + ".want"
			if *update {
				require.NoError(t, os.WriteFile(wantFile, []byte(err.Error()+"\n"), 0o644))
			}
			want, err := os.ReadFile(wantFile)
			require.NoError(t, err)
			assert.Equal(t, string(want), faults.Error()+"\n")
		})
	}
}

// A secret put into any variable, in any of the shapes that the checks take
// apart, is never repeated.
func TestFaultsHoldNoValue(t *testing.T) {
	const marker = "hunter2hunter2"
	names := documentedNames(t)
	for _, shape := range []string{"%s", "https://user:%s@h/", "%s:rest", "/%s?#", "embedded:%s", "a,%s", "%s\n", "/nowhere/%s", "postgres://%s"} {
		value := strings.ReplaceAll(shape, "%s", marker)
		var environ []string
		for _, name := range names {
			environ = append(environ, name+"="+value)
		}
		_, err := config.Load(environ)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), marker)
	}
}

func TestEmptyEnvironment(t *testing.T) {
	_, err := config.Load(nil)
	var faults *config.Faults
	require.ErrorAs(t, err, &faults)
	var names []string
	for _, fault := range faults.List {
		names = append(names, strings.TrimPrefix(fault.Variable, config.Prefix))
		assert.Contains(t, fault.Mend, "is required")
	}
	assert.Equal(t, []string{
		"CLIENT_ID", "DIRECTORY_URL", "ISSUER_URL", "LEDGER_INDEX_KEY", "LEDGER_KEYS",
		"POPULATION_TOKEN", "POPULATION_URL", "PUBLIC_URL", "SECRET_KEYS", "UPSTREAM_URL",
	}, names)
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"good", "bad"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern, "*.env"))
		require.NoError(f, err)
		for _, file := range files {
			f.Add(strings.Join(environment(f, file), "\x00"))
		}
	}
	base := minimal(f)
	f.Fuzz(func(t *testing.T, lines string) {
		c, err := config.Load(append(base[:len(base):len(base)], strings.Split(lines, "\x00")...))
		if err != nil {
			faults, ok := err.(*config.Faults)
			require.True(t, ok)
			require.NotEmpty(t, faults.List)
			require.Equal(t, config.Config{}, c)
			return
		}
		require.Empty(t, c.Public.URL.Path+c.Public.URL.RawQuery+c.Portal.Upstream.Path)
		require.NotEmpty(t, c.Public.URL.Hostname())
		require.Len(t, c.Keys.LedgerIndex.Reveal(), 1)
		for _, path := range append(c.Portal.PublicPaths, c.Portal.LoginPaths...) {
			require.NotEqual(t, "/", path)
			require.NotContains(t, path, "..")
		}
	})
}
