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

// TestRoutesSchema: the published schema has exactly the names that are read.
func TestRoutesSchema(t *testing.T) {
	text, err := os.ReadFile("../docs/routes.schema.json")
	require.NoError(t, err)
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		object
		Defs struct{ Rule object } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	var needs object
	require.NoError(t, json.Unmarshal(schema.Defs.Rule.Properties["needs"], &needs))
	for _, pair := range []struct {
		published map[string]json.RawMessage
		read      reflect.Type
	}{
		{schema.Properties, reflect.TypeFor[config.Routes]()},
		{schema.Defs.Rule.Properties, reflect.TypeFor[config.Route]()},
		{needs.Properties, reflect.TypeOf(config.Route{}.Needs)},
	} {
		var names []string
		for i := range pair.read.NumField() {
			names = append(names, pair.read.Field(i).Tag.Get("yaml"))
		}
		assert.ElementsMatch(t, names, slices.Collect(maps.Keys(pair.published)))
	}
}

func TestRoutesExample(t *testing.T) {
	text, err := os.ReadFile("../docs/routes.example.yaml")
	require.NoError(t, err)
	routes, err := config.ParseRoutes(text)
	require.NoError(t, err)
	require.Len(t, routes.Rules, 11)
	closes := routes.Rules[2].Until
	assert.Equal(t, "2026-06-30", closes.String())
	assert.Equal(t, "2026-07-01T00:00:00+07:00", closes.After().Format("2006-01-02T15:04:05Z07:00"))
}

func TestRoutesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "it is empty",
		"rules: []\n---\nrules: []":            "one document",
		"rule: []":                             "field rule not found",
		"rules: [{path: /a, Access: deny}]":    "field Access not found",
		"rules: [{path: /a, path: /b}]":        "already defined",
		"rules: [{from: 2026-02-30}]":          "line 1: write the day",
		"rules: [{upstream: 'http://a/b'}]":    "line 1: write http://",
		"rules: [{upstream: 'ftp://a'}]":       "line 1: write http://",
		"rules: [{methods: GET}]":              "cannot unmarshal",
		"rules: &a [*a]":                       "cannot unmarshal",
		"rules: [{needs: {account_level: x}}]": "cannot unmarshal",
	} {
		_, err := config.ParseRoutes([]byte(text))
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), want, text)
		assert.False(t, strings.HasPrefix(err.Error(), "yaml:"))
	}
}

// FuzzRoutes: no text of a file brings the process down.
func FuzzRoutes(f *testing.F) {
	for _, seed := range []string{"rules: []", "rules: [{path: /a, access: deny, from: 2026-01-01}]", "a: &a [*a,*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		routes, err := config.ParseRoutes(text)
		if err != nil && len(routes.Rules) > 0 {
			t.Error("rules beside an error")
		}
	})
}
