package house_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestChartKnowsEveryVariable holds the chart's schema to the configuration:
// every variable can be set by values, and no other.
func TestChartKnowsEveryVariable(t *testing.T) {
	text, err := os.ReadFile("charts/vneid-proxy/values.schema.json")
	require.NoError(t, err)
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		Properties struct {
			Config object `json:"config"`
			Secret struct {
				Properties struct {
					Keys object `json:"keys"`
				} `json:"properties"`
			} `json:"secret"`
		} `json:"properties"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	known := []string{"LISTEN", "ADMIN_LISTEN"} // the chart's own, for its Service and probes
	for name := range schema.Properties.Config.Properties {
		known = append(known, name)
	}
	for name := range schema.Properties.Secret.Properties.Keys.Properties {
		known = append(known, name)
	}
	document, err := os.ReadFile("docs/configuration.md")
	require.NoError(t, err)
	var variables []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z][A-Z_]+)` \\|").FindAllStringSubmatch(string(document), -1) {
		variables = append(variables, row[1])
	}
	require.Greater(t, len(variables), 50, "the document lists its variables in rows")
	slices.Sort(known)
	slices.Sort(variables)
	assert.Equal(t, variables, known)
}
