package directory

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const smallQueries = `accounts: SELECT * FROM a
queries:
  by_id: WHERE id = :account_id
  by_username: WHERE u = :username
  by_citizen_number: WHERE n = :citizen_number
columns:
  id: id
  username: u
  citizen_number: n
`

// Everything that is wrong with a file is said at once, each with its line.
func TestQueriesFaults(t *testing.T) {
	_, err := ParseQueries("mysql", []byte(smallQueries))
	require.NoError(t, err)
	with := func(lines string) string { return smallQueries + lines }
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":        {"", []string{"line 1: it is empty"}},
		"no YAML":      {"a: [", []string{"line 1"}},
		"a list":       {"- a", []string{"line 1: write names and values"}},
		"two":          {smallQueries + "---\na: b\n", []string{"write one document"}},
		"nothing":      {"{}", []string{"write queries:", "write columns:", "write by_id:", "write by_username:", "write by_citizen_number:"}},
		"unknown":      {"nonsense: 1\n" + smallQueries, []string{`line 1: "nonsense" is none of`}},
		"unknown deep": {with("  mail: m\n"), []string{`line 10, columns: "mail" is none of`}},
		"twice":        {with("  id: x\n"), []string{"line 10, columns: id stands there twice"}},
		"statements": {strings.NewReplacer(
			"WHERE id = :account_id", "DELETE FROM a WHERE id = :account_id; SELECT 1",
			"WHERE u = :username", "WHERE u = :user_name", "WHERE n = :citizen_number", "WHERE n = '").Replace(smallQueries),
			[]string{"line 3, queries.by_id: write one statement", "line 4, queries.by_username: :user_name is no parameter of it", "line 4, queries.by_username: use :username in it",
				"line 5, queries.by_citizen_number: close the quote"}},
		"a write to read":    {strings.Replace(smallQueries, "accounts: SELECT * FROM a", "accounts: DELETE FROM a", 1), []string{"begin it with SELECT or WITH"}},
		"a read to write":    {strings.Replace(smallQueries, "columns:", "  write_back: SELECT :account_id, :citizen_number, :version\ncolumns:", 1), []string{"begin it with UPDATE", "write version:", "write citizen_number_verified:"}},
		"blind write":        {strings.Replace(smallQueries, "columns:", "  write_back: UPDATE a SET n = :citizen_number WHERE id = :account_id\ncolumns:", 1), []string{"use :version in it"}},
		"no mapping":         {strings.Replace(smallQueries, "columns:", "  by_subject: WHERE s = :subject\n  by_id_card_number: WHERE c = :id_card_number\ncolumns:", 1), []string{"write subject:", "write id_card_number:"}},
		"no hash":            {strings.Replace(smallQueries, "columns:", "  credential: WHERE u = :username\ncolumns:", 1), []string{"write credential:"}},
		"hash alone":         {with("credential: {hash: h}\n"), []string{"write queries.credential too"}},
		"hash unnamed":       {with("credential: {salt: h}\n"), []string{`"salt" is none of: hash`, "write hash:"}},
		"column or constant": {with("  kind: {map: {a: citizen}}\n  group: {column: g, constant: x}\n"), []string{"line 10, columns.kind: write column: or constant:", "line 11, columns.group: write column: or constant:"}},
		"meaning":            {with("  kind: {column: k, map: {a: citizen, b: admin}}\n  created_by: {column: c, map: {a: citizen}}\n"), []string{"let each value mean one of citizen, official, organisation", "let each value mean one of self, official"}},
		"default":            {with("  kind: {column: k, default: boss}\n"), []string{"let each value mean"}},
		"map twice":          {with("  kind: {column: k, map: {a: citizen, a: official}}\n"), []string{"write each value once"}},
		"locked":             {with("  locked: l\n"), []string{"write when: with the values of a locked account"}},
		"locked both":        {with("  locked: {column: l, when: 1, unless: 0}\n"), []string{"write when:"}},
		"verified":           {with("  citizen_number_verified: {column: v, unless: 0}\n"), []string{`"unless" is none of`, "when: with the values that mean verified"}},
		"number form":        {strings.Replace(smallQueries, "citizen_number: n", "citizen_number: {column: n, form: hex, restore_zeros: perhaps}", 1), []string{"let form be digits or both_numbers", "write true or false"}},
		"both":               {strings.Replace(smallQueries, "citizen_number: n", "citizen_number: {column: n, form: both_numbers}\n  id_card_number: c", 1), []string{"columns.id_card_number: remove it"}},
		"both, otherwise":    {strings.Replace(smallQueries, "  citizen_number: n", "  id_card_number: c\n  citizen_number: {column: n, form: both_numbers}", 1), []string{"remove columns.id_card_number"}},
		"date":               {with("  birth_date: {column: b, form: mm/dd/yyyy}\n"), []string{"let form be one of date, iso"}},
		"zone":               {with("  birth_date: {column: b, form: unix_seconds, zone: Hanoi}\n"), []string{"write a time zone"}},
		"zone of none":       {with("  birth_date: {column: b, form: iso, zone: UTC}\n"), []string{"remove zone"}},
		"parts":              {with("  birth_date: {column: b, form: parts}\n"), []string{"write year:"}},
		"parts of a text":    {with("  birth_date: {column: b, year: y}\n"), []string{"write year:"}},
		"constant id":        {strings.Replace(smallQueries, "  id: id", "  id: {constant: x}", 1), []string{"it differs from account to account"}},
		"empty list":         {with("  locked: {column: l, when: []}\n"), []string{"write at least one"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseQueries("mysql", []byte(test.text))
			require.Error(t, err)
			for _, want := range test.want {
				assert.Contains(t, err.Error(), want)
			}
		})
	}
	_, err = ParseQueries("sqlite", []byte(smallQueries))
	require.Error(t, err)
	var fault FileFault
	_, err = ParseQueries("mysql", []byte(with("  mail: m\n")))
	require.True(t, errors.As(err, &fault))
	assert.Equal(t, 10, fault.Line)
}

// TestQueriesSchema: the published schema has exactly the names that are read.
func TestQueriesSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "directory-queries.schema.json"))
	require.NoError(t, err)
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	within := func(raw json.RawMessage) (o struct {
		object
		Ref   string   `json:"$ref"`
		Enum  []string `json:"enum"`
		AnyOf []object `json:"anyOf"`
	}) {
		require.NoError(t, json.Unmarshal(raw, &o))
		return o
	}
	var schema struct {
		object
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	assert.ElementsMatch(t, []string{"accounts", "queries", "columns", "credential"}, slices.Collect(maps.Keys(schema.Properties)))
	var names []string
	for _, p := range purposes() {
		names = append(names, p.name)
	}
	assert.ElementsMatch(t, names, slices.Collect(maps.Keys(within(schema.Properties["queries"]).Properties)))
	columns := within(schema.Properties["columns"]).Properties
	assert.ElementsMatch(t, slices.Collect(maps.Keys(fields())), slices.Collect(maps.Keys(columns)))
	for field, options := range fields() {
		kind := strings.TrimPrefix(within(columns[field]).Ref, "#/$defs/")
		published := within(schema.Defs[kind]).AnyOf[1].Properties
		for _, option := range append(options, "column", "constant", "json") {
			assert.Contains(t, published, option, field)
		}
	}
	forms := within(within(schema.Defs["field"]).AnyOf[1].Properties["form"]).Enum
	assert.ElementsMatch(t, append(dateForms(), formDigits, formBoth), forms)
}

func FuzzParseQueries(f *testing.F) {
	f.Add(smallQueries)
	f.Add("a: &x {b: *x}")
	f.Add("queries: {by_id: [1]}\ncolumns: 7")
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range dialects() {
			_, _ = ParseQueries(d.scheme, []byte(text))
		}
	})
}
