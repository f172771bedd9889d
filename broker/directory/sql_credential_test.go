package directory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

func sqlCredentials(t *testing.T, on server) {
	s := plainShape()
	s.schema = strings.Replace(s.schema, "version INTEGER", "password VARCHAR(255), version INTEGER", 1)
	s.queries = strings.Replace(s.queries, "columns:", "  credential: SELECT id, username, status, password FROM accounts WHERE username = :username\ncredential:\n  hash: password\ncolumns:", 1)
	database := on.database(t)
	on.do(t, database, s.schema)
	const hash = "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0" // of test12345
	for id, row := range map[string][3]string{
		"1": {"an", "active", hash}, "2": {"lan", "closed", hash}, "3": {"hai", "active", hash}, "4": {"hai", "active", hash},
		"5": {"An", "active", ""}, "6": {"plain", "active", "test12345"}, "7": {"dear", "active", "$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"}, "8": {"Binh", "active", hash},
	} {
		on.do(t, database, "INSERT INTO accounts (id, username, kind, status, password) VALUES ("+quote(id)+", "+quote(row[0])+", 'citizen', "+quote(row[1])+", "+quote(row[2])+")")
	}
	d := openSQL(t, database, s.queries)
	for name, test := range map[string]struct {
		username, password string
		id                 identity.AccountID
		want               error
	}{
		"right":            {"an", "test12345", "1", nil},
		"wrong":            {"an", "test12346", "", directory.ErrWrong},
		"no password":      {"an", "", "", directory.ErrWrong},
		"endless password": {"an", strings.Repeat("a", 2000), "", directory.ErrWrong},
		"no name":          {"", "test12345", "", directory.ErrWrong},
		"unknown":          {"nobody", "test12345", "", directory.ErrWrong},
		"locked":           {"lan", "test12345", "", directory.ErrLocked},
		"locked and wrong": {"lan", "test", "", directory.ErrWrong},
		"of two":           {"hai", "test12345", "", directory.ErrWrong},
		"stored in clear":  {"plain", "test12345", "", directory.ErrMalformed},
		"stored too dear":  {"dear", "test12345", "", directory.ErrMalformed},
		"stored nothing":   {"An", "test12345", "", directory.ErrMalformed},
		"a pattern":        {"a%", "test12345", "", directory.ErrWrong},
		"SQL":              {"' OR '1'='1", "test12345", "", directory.ErrWrong},
		"accents":          {"ân", "test12345", "", directory.ErrWrong},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := d.Check(t.Context(), test.username, test.password)
			if test.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, test.want)
			}
			assert.Equal(t, test.id, id)
		})
	}
	id, err := d.Check(t.Context(), "bINH", "test12345")
	if on.scheme == "mysql" { // whose collation finds it
		require.NoError(t, err)
		assert.Equal(t, identity.AccountID("8"), id)
	} else {
		require.ErrorIs(t, err, directory.ErrWrong)
	}
	without := openSQL(t, database, plainShape().queries)
	assert.False(t, without.Can("credential"))
	_, err = without.Check(t.Context(), "an", "test12345")
	require.ErrorIs(t, err, directory.ErrMalformed)
}
