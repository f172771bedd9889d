package testserver_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/testserver"
)

func TestPostgreSQL(t *testing.T) {
	server := testserver.StartPostgreSQL(t)
	first, second := server.Database(t), server.Database(t)
	for database, want := range map[string]bool{first: true, second: false} {
		connection, err := pgx.Connect(t.Context(), database)
		require.NoError(t, err)
		if want {
			_, err = connection.Exec(t.Context(), "CREATE TABLE people (name TEXT)")
			require.NoError(t, err)
		}
		var there bool
		require.NoError(t, connection.QueryRow(t.Context(), "SELECT to_regclass('people') IS NOT NULL").Scan(&there))
		assert.Equal(t, want, there)
		var fsync string
		require.NoError(t, connection.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync))
		assert.Equal(t, "on", fsync)
		require.NoError(t, connection.Close(t.Context()))
	}
}
