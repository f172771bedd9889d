package config_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

// TestPolicySchema: the published schema has exactly the names that are read.
func TestPolicySchema(t *testing.T) {
	text, err := os.ReadFile("../docs/policy.schema.json")
	require.NoError(t, err)
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		object
		Defs struct{ Cohort, Terms object } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	var who object
	require.NoError(t, json.Unmarshal(schema.Defs.Cohort.Properties["who"], &who))
	for _, pair := range []struct {
		published map[string]json.RawMessage
		read      reflect.Type
	}{
		{schema.Properties, reflect.TypeFor[config.Policy]()},
		{schema.Defs.Cohort.Properties, reflect.TypeFor[config.Cohort]()},
		{schema.Defs.Terms.Properties, reflect.TypeFor[config.Terms]()},
		{who.Properties, reflect.TypeOf(config.Cohort{}.Who)},
	} {
		var names []string
		for i := range pair.read.NumField() {
			names = append(names, pair.read.Field(i).Tag.Get("yaml"))
		}
		assert.ElementsMatch(t, names, slices.Collect(maps.Keys(pair.published)))
	}
}

func TestPolicyThatIsRead(t *testing.T) {
	text, err := os.ReadFile("../docs/policy.example.yaml")
	require.NoError(t, err)
	policy, err := config.ParsePolicy(text)
	require.NoError(t, err)
	assert.Equal(t, "2026-12-31", policy.Default.LegacySignInUntil.String())
	require.NotNil(t, policy.Kinds["official"].SkipUntil)
	assert.True(t, policy.Kinds["official"].SkipUntil.IsZero(), "never")
	assert.Nil(t, policy.Kinds["official"].LegacySignInUntil, "as further out")
	assert.Zero(t, *policy.Kinds["organisation"].SkipLimit)
	require.Len(t, policy.Cohorts, 3)
	assert.Equal(t, []string{"dao", "vung-cao"}, policy.Cohorts[1].Who.Group)
}

func TestPolicyThatIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "write at least default: {}",
		"default: {}\n---\ndefault: {}":         "one document",
		"defaults: {}":                          "field defaults not found",
		"default: {skip_untl: never}":           "field skip_untl not found",
		"default: {skip_until: Never}":          "line 1: write the day as 2006-01-02, or never",
		"default: {skip_until: 2026-02-30}":     "line 1: write the day",
		"default: {skip_limit: many}":           "cannot unmarshal",
		"kinds: {citizen: {}, citizen: {}}":     "already defined",
		"cohorts: {a: {}}":                      "cannot unmarshal",
		"cohorts: [{name: a, who: {kinds: x}}]": "field kinds not found",
	} {
		_, err := config.ParsePolicy([]byte(text))
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), want, text)
		assert.False(t, strings.HasPrefix(err.Error(), "yaml:"))
	}
}

// FuzzPolicy: no text of a file brings the process down.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{"default: {}", "kinds: {citizen: {skip_until: never}}", "cohorts: [{name: a}]", "a: &a [*a,*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		policy, err := config.ParsePolicy(text)
		if err != nil && len(policy.Kinds)+len(policy.Cohorts) > 0 {
			t.Error("terms beside an error")
		}
	})
}
