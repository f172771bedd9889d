package main_test

import (
	"database/sql"
	"encoding/csv"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/testserver"
)

// TestTheLedgerOnPostgreSQL has one process serve, and every command beside it
// that reads or changes the ledger.
func TestTheLedgerOnPostgreSQL(t *testing.T) {
	people := procPeople(2)
	w := newProcWorld(t, procWorldConfig{people: people})
	database := testserver.StartPostgreSQL(t).Database(t)
	on := func(changes ...string) []string {
		return w.environ(append([]string{"LEDGER_URL=" + database}, changes...)...)
	}

	slow := func(s string) bool { return s == "warning ledger.latency" } // the machine is busy
	_, found := checkRun(t, w, on())
	assert.Empty(t, slices.DeleteFunc(checkOthers(found), slow))
	checkMentions(t, found, "there are none yet: serve makes them", "")
	child := procServe(t, on())
	for i, person := range people {
		l := &procLinker{person: person, provider: i == 1, browser: newProcBrowser(t, w.public, child.address, nil, nil)}
		require.NoError(t, l.link())
	}
	run := func(code int, args ...string) *procChild {
		c := procStart(t, on(), args...)
		require.Equal(t, code, c.code(t), "%s: %s%s", strings.Join(args, " "), c.stdout.String(), c.stderr.String())
		for _, person := range people {
			assert.NotContains(t, c.stdout.String()+c.stderr.String(), person.CitizenNumber)
		}
		return c
	}
	require.Eventually(t, func() bool {
		return strings.Contains(run(0, "audit", "verify").stdout.String(), ", 0 rows await sealing\n")
	}, procPatience, time.Second)
	run(0, "ledger", "check")

	// What is exported verifies without the ledger.
	exported := run(0, "audit", "export").stdout.String()
	assert.Equal(t, 2, strings.Count(exported, `"event":"linked"`))
	assert.NotContains(t, exported, `"detail"`)
	script := exec.Command("/usr/bin/python3", "-B", "../../docs/verify_audit.py")
	script.Stdin = strings.NewReader(exported)
	said, err := script.CombinedOutput()
	require.NoError(t, err, "%s", said)
	shown := run(0, "audit", "export", "--reveal", "--officer", "Phạm Thị Kiểm").stdout.String()
	assert.Regexp(t, `"source":"127\.0\.0\.1:\d+"`, shown)
	run(2, "audit", "export", "--reveal")
	run(2, "audit", "export", "--since", "yesterday")
	rows, err := csv.NewReader(strings.NewReader(run(0, "audit", "export", "--format", "csv", "--until", "2020-01-31").stdout.String())).ReadAll()
	require.NoError(t, err)
	assert.Len(t, rows, 1, "the names alone")

	// Under a new key, while it serves.
	rekeyed := procStart(t, on("LEDGER_KEYS="+w.keys["NEXT"]+","+w.keys["LEDGER_KEYS"]), "ledger", "rekey")
	require.Zero(t, rekeyed.code(t), rekeyed.stderr.String())
	assert.Contains(t, rekeyed.stdout.String(), "the others may go")
	run(1, "ledger", "check") // it has the older key alone
	_, found = checkRun(t, w, on())
	assert.Contains(t, checkOthers(found), "fault ledger.keys")
	child.kill()

	db, err := sql.Open("pgx", database)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	u, err := url.Parse(database)
	require.NoError(t, err)
	_, err = db.Exec("ALTER DATABASE " + u.Path[1:] + " SET synchronous_commit = off")
	require.NoError(t, err)
	_, found = checkRun(t, w, on("LEDGER_KEYS="+w.keys["NEXT"]))
	assert.Equal(t, []string{"fault ledger.durable"}, slices.DeleteFunc(checkOthers(found), slow))
	refused := procStart(t, on("LEDGER_KEYS="+w.keys["NEXT"]), "serve")
	assert.Equal(t, 1, refused.code(t))
	assert.Contains(t, refused.stderr.String(), "synchronous_commit")

	_, found = checkRun(t, w, w.environ("LEDGER_URL=postgres://vneid:geheim@127.0.0.1:1/vneid?sslmode=disable"))
	assert.Equal(t, []string{"fault ledger.server"}, checkOthers(found))
	checkMentions(t, found, "cannot be reached", "VNEID_PROXY_LEDGER_URL")
	refused = procStart(t, w.environ("LEDGER_URL=postgres://vneid:geheim@127.0.0.1:1/vneid?sslmode=disable"), "serve")
	assert.Equal(t, 1, refused.code(t))
	assert.NotContains(t, refused.stderr.String(), "geheim")
}
