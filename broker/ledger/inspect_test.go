package ledger_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

func TestInspectSeesASoundLedgerBesideARunningProcess(t *testing.T) {
	path := tenRows(t).copy(t)
	l := open(t, config(path))
	found, err := ledger.Inspect(t.Context(), config(path))
	require.NoError(t, err)
	if onPostgres() {
		assert.NotEmpty(t, found.Server.Version)
		assert.Empty(t, found.Server.Forbidden)
		assert.Positive(t, found.Server.Free)
	} else {
		assert.Equal(t, path, found.Path)
	}
	assert.True(t, found.Durable)
	assert.NotZero(t, found.Newest)
	assert.Equal(t, found.Newest, found.Version)
	assert.NoError(t, found.Keys)
	assert.NoError(t, found.Chain)
	require.NoError(t, l.Ping(t.Context()), "the lock is given back")
}

func TestInspectMakesNothing(t *testing.T) {
	onlySQLite(t)
	path := tempFile(t)
	found, err := ledger.Inspect(t.Context(), config(path))
	require.NoError(t, err)
	assert.True(t, found.Absent)
	assert.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	found, err = ledger.Inspect(t.Context(), config(path))
	require.NoError(t, err)
	assert.Zero(t, found.Version, "Open has yet to begin it")
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Empty(t, file)
}

func TestInspectNamesWhatIsWrong(t *testing.T) {
	file := tenRows(t)
	place := func(t *testing.T, statements string) string {
		path := file.copy(t)
		_, err := rawSQL(t, path).Exec(statements)
		require.NoError(t, err)
		return path
	}
	t.Run("a row's key is absent", func(t *testing.T) {
		c := config(place(t, "UPDATE skips SET key_id = 'ffffffff'; UPDATE links SET key_id = 'ffffffff'"))
		found, err := ledger.Inspect(t.Context(), c)
		require.NoError(t, err)
		assert.ErrorIs(t, found.Keys, ledger.ErrKey)
		assert.ErrorContains(t, found.Keys, "ffffffff")
	})
	t.Run("another index key", func(t *testing.T) {
		c := config(place(t, "SELECT 1"))
		c.IndexKey = key(77)
		found, err := ledger.Inspect(t.Context(), c)
		require.NoError(t, err)
		assert.ErrorIs(t, found.Keys, ledger.ErrKey)
	})
	t.Run("a revocation past its time needs no key, and stays", func(t *testing.T) {
		path := place(t, "SELECT 1")
		db := rawSQL(t, path)
		_, err := db.Exec("UPDATE revocations SET key_id = 'ffffffff', until_at = 1")
		require.NoError(t, err)
		var before, after int
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM revocations").Scan(&before))
		require.NotZero(t, before)
		found, err := ledger.Inspect(t.Context(), config(path))
		require.NoError(t, err)
		assert.NoError(t, found.Keys)
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM revocations").Scan(&after))
		assert.Equal(t, before, after)
	})
	t.Run("the chain has lost its end", func(t *testing.T) {
		found, err := ledger.Inspect(t.Context(), config(place(t, "DELETE FROM audit WHERE chain_seq = 10")))
		require.NoError(t, err)
		assert.ErrorIs(t, found.Chain, ledger.ErrChain)
		assert.NoError(t, found.Keys)
	})
	t.Run("an older release's", func(t *testing.T) {
		path := place(t, "DELETE FROM goose_db_version WHERE version_id > 1; DROP TABLE audit_head; DROP TABLE review_votes; DROP TABLE reviews")
		found, err := ledger.Inspect(t.Context(), config(path))
		require.NoError(t, err)
		assert.EqualValues(t, 1, found.Version)
		assert.NoError(t, found.Keys)
		assert.NoError(t, found.Chain)
	})
	t.Run("no WAL", func(t *testing.T) {
		onlySQLite(t)
		found, err := ledger.Inspect(t.Context(), config(place(t, "PRAGMA journal_mode = DELETE")))
		require.NoError(t, err)
		assert.False(t, found.Durable)
	})
	t.Run("another program's", func(t *testing.T) {
		path := tempFile(t)
		if onPostgres() {
			path = tempDatabase(t, "template1")
		}
		_, err := rawSQL(t, path).Exec("CREATE TABLE other (x int)")
		require.NoError(t, err)
		found, err := ledger.Inspect(t.Context(), config(path))
		assert.ErrorIs(t, err, ledger.ErrUnavailable)
		if !onPostgres() {
			assert.Equal(t, path, found.Path)
		}
	})
	t.Run("no database", func(t *testing.T) {
		onlySQLite(t)
		path := tempFile(t)
		require.NoError(t, os.WriteFile(path, []byte("not a database, whatever it is; long enough to be looked at by SQLite"), 0o600))
		_, err := ledger.Inspect(t.Context(), config(path))
		assert.ErrorIs(t, err, ledger.ErrUnavailable)
	})
	t.Run("no key", func(t *testing.T) {
		_, err := ledger.Inspect(t.Context(), ledger.Config{URL: "sqlite:///x"})
		assert.ErrorIs(t, err, ledger.ErrKey)
	})
}
