package config_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

// TestProvidersThatAreRefused: one file a fault, each with its place and mend.
func TestProvidersThatAreRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/providers/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	c := load(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			further, err := config.ParseProviders(text, c)
			require.Error(t, err)
			assert.Empty(t, further)
			assert.NotContains(t, err.Error(), "an-invented-secret")
			wantFile := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				require.NoError(t, os.WriteFile(wantFile, []byte(err.Error()+"\n"), 0o644))
			}
			want, failed := os.ReadFile(wantFile)
			require.NoError(t, failed)
			assert.Equal(t, string(want), err.Error()+"\n")
		})
	}
}

// example is the published example with secrets that are there.
func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/providers.example.yaml")
	require.NoError(t, err)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("of-the-client\n"), 0o600))
	return strings.NewReplacer("/run/secrets/noi-bo", secret, "/run/secrets/quoc-gia", secret).Replace(string(text))
}

func TestProvidersExample(t *testing.T) {
	further, err := config.ParseProviders([]byte(example(t)), load(t))
	require.NoError(t, err)
	require.Len(t, further, 2)
	officials, citizens := further[0], further[1]
	assert.Equal(t, "noi-bo", officials.Name)
	assert.Equal(t, "oidc", officials.Profile)
	assert.Equal(t, "https://sso.so-noi-vu.example.gov.vn/realms/can-bo", officials.IssuerURL.String())
	assert.Equal(t, "of-the-client", officials.ClientSecret.Reveal())
	assert.NotEmpty(t, officials.ClientSecret.File())
	assert.Equal(t, config.Words{"openid", "profile"}, officials.Scopes)
	assert.Equal(t, "name", officials.ClaimName, "the profile's own default")
	assert.Zero(t, officials.MinAccountLevel, "no level is asked for")
	assert.Equal(t, config.LinkNone, officials.Link)
	assert.Equal(t, config.Account{Claim: "preferred_username", By: "username", Kinds: []string{"official"}}, officials.Account)
	assert.Equal(t, "SoDinhDanh", citizens.ClaimCitizenNumber)
	assert.Equal(t, 2, citizens.MinAccountLevel)
	assert.Equal(t, config.LinkEnforce, citizens.Link)
	assert.Empty(t, citizens.Account)
}

// TestProvidersSchema: the published schema has exactly the names that are
// read, and the words that each may be. What an entry and the environment can
// both say has one name for both.
func TestProvidersSchema(t *testing.T) {
	text, err := os.ReadFile("../docs/providers.schema.json")
	require.NoError(t, err)
	type member struct {
		Enum       []any                      `json:"enum"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Defs       struct {
			Provider struct {
				Properties map[string]member `json:"properties"`
			} `json:"provider"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	assert.Equal(t, []string{"providers"}, slices.Collect(maps.Keys(schema.Properties)))
	published := schema.Defs.Provider.Properties
	assert.ElementsMatch(t, config.ProviderMembers(), slices.Collect(maps.Keys(published)))
	assert.ElementsMatch(t, []string{"claim", "by", "kinds"}, slices.Collect(maps.Keys(published["account"].Properties)))
	for name, words := range config.ProviderChoices() {
		var enum []string
		for _, word := range published[name].Enum {
			enum = append(enum, strings.Trim(string(mustJSON(t, word)), `"`))
		}
		assert.Equal(t, words, enum, name)
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

// FuzzProviders: no text of a file brings the process down.
func FuzzProviders(f *testing.F) {
	files, _ := filepath.Glob("testdata/providers/*.yaml")
	for _, file := range append(files, "../docs/providers.example.yaml") {
		if text, err := os.ReadFile(file); err == nil && !strings.Contains(string(text), "_file") {
			f.Add(text)
		}
	}
	c, err := config.Load(minimal(f))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "_file") {
			t.Skip("no test opens what a stranger names")
		}
		further, err := config.ParseProviders(text, c)
		if err != nil && len(further) > 0 {
			t.Error("providers beside an error")
		}
	})
}
