package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

func TestDocument(t *testing.T) {
	path := filepath.Join("..", "docs", "configuration.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(config.Markdown()), 0o644))
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, config.Markdown(), string(have), "run go generate ./config")
}

// documentedNames is every full name in the document's tables, with the
// _FILE names of secrets.
func documentedNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` .*$").FindAllStringSubmatch(config.Markdown(), -1) {
		names = append(names, config.Prefix+row[1])
		if regexp.MustCompile("Also as `" + row[1] + "_FILE`").MatchString(row[0]) {
			names = append(names, config.Prefix+row[1]+"_FILE")
		}
	}
	require.Greater(t, len(names), 60)
	return names
}
