//go:build oracle

package directory_test

import (
	"strings"
	"testing"

	_ "github.com/sijms/go-ora/v2"

	"vneid-proxy/identity"
)

// TestOracle runs the suite on the Oracle that VNEID_TEST_ORACLE_URL names
// (oracle://user@host:1521/service, the password in
// VNEID_TEST_ORACLE_PASSWORD), in a table that it makes anew. Oracle has no
// empty text: what is empty is NULL.
func TestOracle(t *testing.T) {
	on := givenServer(t, "oracle", "VNEID_TEST_ORACLE")
	s := plainShape()
	s.schema = "DROP TABLE IF EXISTS accounts; " + strings.ReplaceAll(s.schema, "VARCHAR(255)", "VARCHAR2(255 CHAR)") // since 23ai
	s.queries = strings.Replace(s.queries, "LIMIT :limit", "FETCH FIRST :limit ROWS ONLY", 1)
	conformance(t, func(t *testing.T, accounts []identity.Account) reader { return on.open(t, s, accounts) })
	givenWritesBack(t, on, s)
}
