package testserver_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/testserver"
)

func TestMariaDB(t *testing.T) {
	server := testserver.StartMariaDB(t)
	first, second := server.Database(t), server.Database(t)
	server.Do(t, first, "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Đào')")
	for database, want := range map[string]string{first: "Đào", second: ""} {
		host, name, _ := strings.Cut(strings.TrimPrefix(database, "mysql://test@"), "/")
		db, err := sql.Open("mysql", "test@tcp("+host+")/"+name)
		require.NoError(t, err)
		var got string
		err = db.QueryRowContext(t.Context(), "SELECT name FROM people").Scan(&got)
		assert.Equal(t, want != "", err == nil)
		assert.Equal(t, want, got)
		require.NoError(t, db.Close())
	}
}
