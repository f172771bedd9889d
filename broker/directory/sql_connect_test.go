package directory

import (
	"net/url"
	"strings"
	"testing"

	"github.com/microsoft/go-mssqldb/msdsn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Beyond loopback every driver speaks TLS and knows whose certificate it must
// see, unless the address says otherwise.
func TestConnectionsAreSecured(t *testing.T) {
	parse := func(text string) *url.URL {
		u, err := url.Parse(text)
		require.NoError(t, err)
		return u
	}
	t.Setenv("PGSSLMODE", "disable")
	t.Setenv("PGPASSWORD", "of the environment")
	pg, err := postgresConfig(parse("postgres://u@db.example.vn/p"), "canary")
	require.NoError(t, err)
	require.NotNil(t, pg.TLSConfig)
	assert.Equal(t, "db.example.vn", pg.TLSConfig.ServerName)
	assert.False(t, pg.TLSConfig.InsecureSkipVerify)
	assert.Empty(t, pg.Fallbacks, "nothing in clear behind it")
	assert.Equal(t, "canary", pg.Password)
	pg, err = postgresConfig(parse("postgres://u@db.example.vn/p?sslmode=disable"), "")
	require.NoError(t, err)
	assert.Nil(t, pg.TLSConfig)
	assert.Empty(t, pg.Password)

	my, err := mysqlConfig(parse("mysql://u@db.example.vn/p"), "canary")
	require.NoError(t, err)
	require.NotNil(t, my.TLS)
	assert.Equal(t, "db.example.vn", my.TLS.ServerName)
	assert.False(t, my.TLS.InsecureSkipVerify)
	assert.Equal(t, []string{"db.example.vn:3306", "u", "canary", "p"}, []string{my.Addr, my.User, my.Passwd, my.DBName})
	my, err = mysqlConfig(parse("mysql://u@[::1]:3307/p?interpolateParams=true&multiStatements=true&parseTime=true"), "")
	require.NoError(t, err)
	assert.Nil(t, my.TLS)
	assert.Equal(t, "[::1]:3307", my.Addr)
	assert.False(t, my.InterpolateParams || my.MultiStatements || my.ParseTime || my.AllowAllFiles)
	assert.True(t, my.ClientFoundRows)

	ms, err := sqlserverConfig(parse("sqlserver://u@db.example.vn/dvc?database=p"), "canary")
	require.NoError(t, err)
	assert.EqualValues(t, msdsn.EncryptionRequired, ms.Encryption)
	require.NotNil(t, ms.TLSConfig)
	assert.False(t, ms.TLSConfig.InsecureSkipVerify || ms.TrustServerCertificate)
	assert.Equal(t, []string{"canary", "p", "dvc"}, []string{ms.Password, ms.Database, ms.Instance})

	assert.Equal(t, "oracle://u:can%40ry@db.example.vn:1521/p?SSL=true", oracleURL(parse("oracle://u@db.example.vn:1521/p"), "can@ry"))
	for _, text := range []string{"postgres://u:secret@h/p", "mysql:///p", "sqlite:///p", "mysql://u@h/p?tls=nonsense", "postgres://u@h/p?sslmode=nonsense"} {
		_, err := connect(parse(text), "canary")
		require.ErrorIs(t, err, errDatabaseURL, text)
		assert.False(t, strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "canary"))
	}
}
