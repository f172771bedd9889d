package ledger_test

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/testserver"
)

// Both databases have the same migrations and end with the same tables,
// columns and unique indexes.
func TestBothDatabasesHaveTheSameTables(t *testing.T) {
	if onPostgres() {
		t.Skip("it looks at both by itself")
	}
	names := func(folder string) (names []string) {
		files, err := os.ReadDir("migrations/" + folder)
		require.NoError(t, err)
		for _, file := range files {
			names = append(names, file.Name())
		}
		return names
	}
	require.Equal(t, names("sqlite"), names("postgres"), "a migration has the same name in both folders")

	path := tempFile(t)
	open(t, config(path))
	one := rawSQL(t, path)
	sqlite := listing(t, one, `SELECT m.name || '.' || c.name || ' ' || CASE c.type WHEN 'BLOB' THEN 'bytes' WHEN 'INTEGER' THEN 'number' ELSE lower(c.type) END
			|| CASE WHEN c."notnull" OR c.pk > 0 THEN ' not null' ELSE '' END
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT IN ('goose_db_version', 'sqlite_sequence')`)
	sqlite = append(sqlite, listing(t, one, `SELECT m.name || ' unique (' || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) || ')'
			|| CASE WHEN l.partial THEN ' where ' || substr(i.sql, instr(i.sql, 'WHERE ') + 6) ELSE '' END
		FROM sqlite_master m JOIN pragma_index_list(m.name) l LEFT JOIN sqlite_master i ON i.name = l.name
		WHERE m.type = 'table' AND m.name NOT IN ('goose_db_version', 'sqlite_sequence') AND l."unique" AND l.origin <> 'pk'`)...)

	server := testserver.StartPostgreSQL(t).Database(t)
	t.Setenv(testServer, server)
	open(t, config(server))
	other := rawSQL(t, server)
	postgres := listing(t, other, `SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bytea' THEN 'bytes' WHEN 'bigint' THEN 'number' ELSE data_type END
			|| CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version'`)
	postgres = append(postgres, listing(t, other, `SELECT t.relname || ' unique (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
				FROM unnest(x.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) || ')'
			|| CASE WHEN x.indpred IS NULL THEN '' ELSE ' where ' || translate(pg_get_expr(x.indpred, t.oid), '()', '') END
		FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
		WHERE n.nspname = 'public' AND t.relname <> 'goose_db_version' AND x.indisunique AND NOT x.indisprimary`)...)
	require.NotEmpty(t, sqlite)
	slices.Sort(sqlite)
	slices.Sort(postgres)
	assert.Equal(t, sqlite, postgres)
}

func listing(t *testing.T, db *raw, query string) (lines []string) {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	require.NoError(t, rows.Err())
	return lines
}

// A new table that holds something sealed, or is found by a hash, is in every
// list of such: otherwise a key would be changed without it.
func TestEveryTableIsKnown(t *testing.T) {
	onlySQLite(t)
	path := tempFile(t)
	open(t, config(path))
	columns := func(condition string) []string {
		return listing(t, rawSQL(t, path), `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND (`+condition+`) ORDER BY m.name, c.name`)
	}
	keyed, sealed, found := ledger.Known()
	var ofKeyed, ofSealed []string
	for _, table := range keyed {
		ofKeyed = append(ofKeyed, table+".key_id")
	}
	for _, table := range sealed {
		ofSealed = append(ofSealed, table+".sealed")
	}
	assert.ElementsMatch(t, columns("c.name = 'key_id'"), ofKeyed)
	// Audit rows are sealed under data keys.
	assert.ElementsMatch(t, columns("c.name = 'sealed'"), append(ofSealed, "audit.sealed"))
	// What these are found by is not kept: they are adopted under the new key, or lapse.
	assert.ElementsMatch(t, columns("c.name LIKE '%hmac' OR c.name = 'who'"),
		append(found, "spent.hmac", "counters.hmac", "secrets.hmac",
			"clean_states.account_hmac", "clean_states.question_hmac"))
}
