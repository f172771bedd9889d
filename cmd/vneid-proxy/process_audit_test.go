package main_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// TestAuditVerify walks the chain beside the running process until everything
// is sealed, then after a row was changed behind its back.
func TestAuditVerify(t *testing.T) {
	people := procPeople(2)
	w := newProcWorld(t, procWorldConfig{people: people})
	child := procServe(t, w.environ())
	for i, person := range people {
		l := &procLinker{person: person, provider: i == 1, browser: newProcBrowser(t, w.public, child.address, nil, nil)}
		require.NoError(t, l.link())
	}
	verify := func() *procChild { return procStart(t, w.environ(), "audit", "verify") }
	require.Eventually(t, func() bool {
		c := verify()
		return c.code(t) == 0 && strings.Contains(c.stdout.String(), ", 0 rows await sealing\n")
	}, procPatience, time.Second, "the process seals what it writes")
	c := verify()
	require.Zero(t, c.code(t))
	for _, person := range people {
		assert.NotContains(t, c.stdout.String()+c.stderr.String(), person.CitizenNumber)
	}
	child.kill()

	db, err := sql.Open("sqlite", w.ledger())
	require.NoError(t, err)
	changed, err := db.Exec("UPDATE audit SET at = at + 1 WHERE event = 'linked'")
	require.NoError(t, err)
	rows, err := changed.RowsAffected()
	require.NoError(t, err)
	require.EqualValues(t, len(people), rows)
	require.NoError(t, db.Close())

	c = verify()
	assert.Equal(t, 1, c.code(t))
	assert.Regexp(t, `audit row \d+: not as it was sealed`, c.stderr.String())
}
