package vneidtest_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// The crowd is invented, the same each time, and its people are different from
// one another where nothing else was planted.
func TestCrowd(t *testing.T) {
	const rows = 40_000
	var text, again bytes.Buffer
	planted, err := vneidtest.WriteCrowd(&text, rows)
	require.NoError(t, err)
	same, err := vneidtest.WriteCrowd(&again, rows)
	require.NoError(t, err)
	assert.Equal(t, planted, same)
	assert.True(t, bytes.Equal(text.Bytes(), again.Bytes()))
	assert.Equal(t, rows, planted.Accounts+planted.Unreadable)

	reader := csv.NewReader(&text)
	reader.FieldsPerRecord = -1
	all, err := reader.ReadAll()
	require.NoError(t, err)
	require.Len(t, all, rows+1)
	names, states := map[string]bool{}, map[string]string{}
	for _, row := range all[1:] {
		if number := row[4]; len(number) == 12 && number != "000000000000" {
			require.True(t, strings.HasPrefix(number, "099"), "a number of somebody's")
		}
		if card := row[6]; len(card) == 9 {
			require.True(t, strings.HasPrefix(card, "990") || strings.HasPrefix(card, "099"))
		}
		if name := row[7]; name != "" {
			names[name] = true
			state := identity.StateName(name)
			require.NotEmpty(t, state)
			if other, known := states[state]; known {
				require.Equal(t, other, name, "two names are one in the State's form")
			}
			states[state] = name
		}
	}
	assert.Greater(t, len(names), 4000)
}
