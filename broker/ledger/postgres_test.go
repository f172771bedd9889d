package ledger_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/testserver"
)

// testServer is set to the URL of a PostgreSQL server where the tests' ledgers
// are to be its databases; unset, they are files of SQLite.
const testServer = "LEDGER_TEST_SERVER"

var postgresRun = flag.String("postgres-run", "", "which tests TestEverythingOnPostgreSQL runs, as -run says it; default all")

// TestEverythingOnPostgreSQL runs all tests of this package once more, with a
// server in the place of files.
func TestEverythingOnPostgreSQL(t *testing.T) {
	if onPostgres() {
		t.Skip("this is it")
	}
	inMemory(t)
	server := testserver.StartPostgreSQL(t).Database(t)
	prepareServer(t, server)
	again := exec.Command(os.Args[0], "-test.timeout=20m", "-test.run="+*postgresRun, "-test.v="+strconv.FormatBool(testing.Verbose()), "-test.short="+strconv.FormatBool(testing.Short()))
	again.Env = append(os.Environ(), testServer+"="+server)
	output, err := again.CombinedOutput()
	require.NoError(t, err, "%s", output)
	if testing.Verbose() {
		t.Logf("%s", output)
	}
}

// inMemory has the server's files in memory where there is room: some two
// hundred databases are made and dropped, and a disk would sync each.
func inMemory(t *testing.T) {
	t.Helper()
	said, err := exec.Command("df", "--output=avail", "-B1M", "/dev/shm").Output()
	if fields := strings.Fields(string(said)); err == nil && len(fields) == 2 {
		if free, err := strconv.Atoi(fields[1]); err == nil && free > 4096 {
			t.Setenv("TMPDIR", "/dev/shm")
		}
	}
}

func onPostgres() bool { return os.Getenv(testServer) != "" }

// onlySQLite is for what the other database has not, or has in another test.
func onlySQLite(t testing.TB) {
	t.Helper()
	if onPostgres() {
		t.Skip("of SQLite alone")
	}
}

func onlyPostgres(t testing.TB) {
	t.Helper()
	if !onPostgres() {
		t.Skip("of PostgreSQL alone: TestEverythingOnPostgreSQL runs it")
	}
}

// prepareServer gives every database made later the functions of SQLite's that
// the tests use.
func prepareServer(t testing.TB, server string) {
	t.Helper()
	db, err := sql.Open("pgx", database(t, server, "template1"))
	require.NoError(t, err)
	for _, statement := range []string{
		"CREATE FUNCTION zeroblob(n int) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT decode(repeat('00', n), 'hex') $$",
		"CREATE FUNCTION after(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE($1 || $3, '') || $2 $$",
		"CREATE AGGREGATE group_concat(text, text) (SFUNC = after, STYPE = text)",
		"CREATE FUNCTION after(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE($1 || ',', '') || $2 $$",
		"CREATE AGGREGATE group_concat(text) (SFUNC = after, STYPE = text)",
		"CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(encode($1, 'hex')) $$",
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close()) // nobody may be on it
	onServer(t, server, "CREATE DATABASE "+migrated)
	require.NoError(t, ledger.MigratePostgres(t.Context(), database(t, server, migrated)))
}

// migrated is a database with all tables and nothing in them, since to make
// them anew for each test takes long.
const migrated = "migrated"

// database is the URL of another database of the server.
func database(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// tempDatabase makes a database that goes with the test, as a copy of another
// one.
func tempDatabase(t testing.TB, template string) string {
	t.Helper()
	server := os.Getenv(testServer)
	name := fmt.Sprintf("ledger%d", rand.Uint64())
	onServer(t, server, "CREATE DATABASE "+name+" TEMPLATE "+template)
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return database(t, server, name)
}

func onServer(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer func() { _ = connection.Close(ctx) }()
	_, err = connection.Exec(ctx, statement)
	require.NoError(t, err)
}

// raw is the database beside the ledger, which understands what SQLite does.
type raw struct{ *sql.DB }

func (r *raw) say(query string) string {
	if !onPostgres() {
		return query
	}
	n := 0
	return regexp.MustCompile(`\?`).ReplaceAllStringFunc(query, func(string) string {
		n++
		return "$" + strconv.Itoa(n)
	})
}

func (r *raw) Exec(query string, args ...any) (sql.Result, error) {
	return r.DB.Exec(r.say(query), args...)
}

func (r *raw) Query(query string, args ...any) (*sql.Rows, error) {
	return r.DB.Query(r.say(query), args...)
}

func (r *raw) QueryRow(query string, args ...any) *sql.Row {
	return r.DB.QueryRow(r.say(query), args...)
}

// rawSQL opens the file or database beside the ledger.
func rawSQL(t testing.TB, path string) *raw {
	t.Helper()
	driver, name := "sqlite", "file:"+path+"?_busy_timeout=5000"
	if onPostgres() {
		driver, name = "pgx", path+"&default_query_exec_mode=simple_protocol" // several statements at once
	}
	db, err := sql.Open(driver, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &raw{db}
}

// tempFile is where a ledger may be: the path of a file, or the URL of a
// database.
func tempFile(t testing.TB) string {
	t.Helper()
	if onPostgres() {
		return tempDatabase(t, migrated)
	}
	return filepath.Join(t.TempDir(), "ledger.db")
}

// kept is a ledger that copies are made of.
type kept struct{ path string }

// copy is the path of a ledger of its own with what was kept. Nobody may have
// the kept one open.
func (k kept) copy(t testing.TB) string {
	t.Helper()
	if onPostgres() {
		u, err := url.Parse(k.path)
		require.NoError(t, err)
		return tempDatabase(t, u.Path[1:])
	}
	path := tempFile(t)
	content, err := os.ReadFile(k.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func ledgerURL(path string) string {
	if strings.HasPrefix(path, "postgres:") {
		return path
	}
	return (&url.URL{Scheme: "sqlite", Path: path}).String()
}
