//go:build sqlserver || oracle

package directory_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// given is a server that somebody has given us.
type given struct {
	address, password string
	db                *sql.DB
}

func givenServer(t *testing.T, driver, variable string) given {
	address := os.Getenv(variable + "_URL")
	if address == "" {
		t.Fatalf("%s_URL names no server", variable)
	}
	g := given{address: address, password: os.Getenv(variable + "_PASSWORD")}
	scheme, rest, _ := strings.Cut(address, "://")
	user, rest, _ := strings.Cut(rest, "@")
	var err error
	g.db, err = sql.Open(driver, scheme+"://"+user+":"+g.password+"@"+rest)
	require.NoError(t, err)
	t.Cleanup(func() { _ = g.db.Close() })
	return g
}

// open makes the accounts anew and a directory of them.
func (g given) open(t *testing.T, s shape, accounts []identity.Account) *directory.SQL {
	for statement := range strings.SplitSeq(s.schema, "; ") {
		g.do(t, statement)
	}
	for _, a := range accounts {
		g.do(t, s.insert(a))
	}
	u, err := url.Parse(g.address)
	require.NoError(t, err)
	read, err := directory.ParseQueries(u.Scheme, []byte(s.queries))
	require.NoError(t, err)
	d, err := directory.NewSQL(directory.SQLConfig{URL: u, Password: g.password, Queries: read, Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func (g given) do(t *testing.T, statement string) {
	_, err := g.db.ExecContext(context.Background(), statement)
	require.NoError(t, err)
}

// givenWritesBack writes a number once, and not again over a newer row.
func givenWritesBack(t *testing.T, on given, s shape) {
	d := on.open(t, s, []identity.Account{{ID: "17", Username: "a", Kind: identity.KindCitizen}})
	number := citizenNumber(t, private)
	_, version, err := d.Versioned(t.Context(), "17")
	require.NoError(t, err)
	require.NoError(t, d.WriteCitizenNumber(t.Context(), "17", number, version))
	account, err := d.ByID(t.Context(), "17")
	require.NoError(t, err)
	assert.Equal(t, number, account.Number)
	assert.True(t, account.NumberVerified)
}
