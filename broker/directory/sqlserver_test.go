//go:build sqlserver

package directory_test

import (
	"strings"
	"testing"

	_ "github.com/microsoft/go-mssqldb"

	"vneid-proxy/identity"
)

// TestSQLServer runs the suite on the SQL Server that VNEID_TEST_SQLSERVER_URL
// names (sqlserver://user@host?database=…, the password in
// VNEID_TEST_SQLSERVER_PASSWORD), in a table that it makes anew.
func TestSQLServer(t *testing.T) {
	on := givenServer(t, "sqlserver", "VNEID_TEST_SQLSERVER")
	s := plainShape()
	s.schema = "DROP TABLE IF EXISTS accounts; " + strings.ReplaceAll(s.schema, "VARCHAR", "NVARCHAR")
	s.queries = strings.Replace(s.queries, "LIMIT :limit", "OFFSET 0 ROWS FETCH NEXT :limit ROWS ONLY", 1)
	insert := s.insert
	s.insert = func(a identity.Account) string { return strings.ReplaceAll(insert(a), ", '", ", N'") }
	conformance(t, func(t *testing.T, accounts []identity.Account) reader { return on.open(t, s, accounts) })
	givenWritesBack(t, on, s)
}
