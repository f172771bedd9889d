package main_test

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// damaged is a small directory with a fault of each sort.
const damaged = `id,kind,citizen_number,citizen_number_verified,id_card_number,name,birth_date,email
tk-1,citizen,099090000001,false,,Mẫu Thị Một,1990-01-31,+84@thu.example
tk-2,citizen,99090000002,false,,Mẫu Thị Hai,1990-01-31,
tk-3,official,,false,990000003,Mẫu Thị Ba,1990-01-31,
tk-4,citizen,0990 9000 0001,false,,Mẫu Thị Bốn,1990-01-31,
099090000005,citizen,099090000005,true,,Mẫu Thị Năm,1990-01-31,
`

func damagedWorld(t *testing.T, text string) *procWorld {
	t.Helper()
	w := newProcWorld(t, procWorldConfig{})
	require.NoError(t, os.WriteFile(w.accounts, []byte(text), 0o600))
	return w
}

// ran runs a command to its end.
func ran(t *testing.T, w *procWorld, code int, args ...string) *procChild {
	t.Helper()
	c := procStart(t, w.environ(), append([]string{"accounts"}, args...)...)
	require.Equal(t, code, c.code(t), "%v: %s", args, c.stderr.String())
	return c
}

// audited are the actors of the rows of an event, as pseudonyms.
func audited(t *testing.T, w *procWorld, event string) (actors []string) {
	t.Helper()
	db, err := sql.Open("sqlite", w.ledger())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.Query("SELECT actor FROM audit WHERE event = ?", event)
	require.NoError(t, err)
	for rows.Next() {
		var actor string
		require.NoError(t, rows.Scan(&actor))
		actors = append(actors, actor)
	}
	require.NoError(t, rows.Err())
	return actors
}

func TestReportMasksUnlessRevealed(t *testing.T) {
	w := damagedWorld(t, damaged)
	for _, format := range []string{"table", "csv", "json"} {
		c := ran(t, w, 0, "report", "--format", format, "--list", "repairable,number_untidy,verified")
		assert.NotRegexp(t, `9909000000|9000 000|tk-\d`, c.stdout.String()+c.stderr.String(), format)
		assert.Contains(t, c.stdout.String(), "********002", format)
	}
	assert.Empty(t, audited(t, w, "revealed"))

	c := ran(t, w, 0, "report", "--reveal", "--officer", "canbo-1", "--list", "repairable")
	assert.Contains(t, c.stdout.String(), "repairable\t\tcitizen\ttk-2\t99090000002\n")
	l := openProcLedger(t, w)
	assert.Equal(t, []string{l.Pseudonym("actor", "canbo-1")}, audited(t, w, "revealed"))
	require.NoError(t, l.Close())

	c = ran(t, w, 1, "report", "--list", "shoe")
	assert.Contains(t, c.stderr.String(), `no finding or state "shoe"`)
}

// A list in clear is not printed where the audit cannot be written.
func TestNothingIsRevealedWithoutAnAuditRow(t *testing.T) {
	w := damagedWorld(t, damaged)
	ran(t, w, 0, "report")
	db, err := sql.Open("sqlite", w.ledger())
	require.NoError(t, err)
	_, err = db.Exec("CREATE TRIGGER no_audit BEFORE INSERT ON audit WHEN NEW.event = 'revealed' BEGIN SELECT RAISE(ABORT, 'full'); END")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	output := filepath.Join(t.TempDir(), "accounts.csv")
	for _, args := range [][]string{{"report", "--reveal", "--list", "repairable"}, {"export", "--reveal"}, {"export", "--reveal", "--as", "accounts", "--output", output}} {
		c := ran(t, w, 1, args...)
		assert.Empty(t, c.stdout.String())
		assert.NoFileExists(t, output)
	}
}

func TestDuplicatesAreListed(t *testing.T) {
	w := damagedWorld(t, damaged)
	c := ran(t, w, 0, "duplicates", "--reveal", "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(c.stdout.String())).ReadAll()
	require.NoError(t, err)
	var listed []string
	for _, row := range rows {
		if row[0] == "account" {
			listed = append(listed, row[1]+" "+row[5]+" "+row[6])
		}
	}
	assert.ElementsMatch(t, []string{"duplicate_number 1 tk-1", "duplicate_number 1 tk-4"}, listed)
}

// The counts of a reading appear at a process that serves beside it, and those
// of a file that is not the directory do not.
func TestReportFeedsTheDashboard(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	child := procServe(t, w.environ())
	require.NoError(t, os.WriteFile(w.accounts, []byte(damaged), 0o600))
	other := filepath.Join(t.TempDir(), "other.csv")
	require.NoError(t, os.WriteFile(other, []byte("id\na\nb\n"), 0o600))
	ran(t, w, 0, "report", "--file", other)
	ran(t, w, 0, "report")
	require.Eventually(t, func() bool {
		_, body := procPlain(t, child.admin+"/metrics")
		return strings.Contains(body, `vneid_proxy_accounts{cohort="citizen",state="ready"} 2`+"\n") &&
			strings.Contains(body, `vneid_proxy_accounts{cohort="official",state="no_number"} 1`+"\n")
	}, procPatience, 50*time.Millisecond)
	_, body := procPlain(t, child.admin+"/metrics")
	assert.Equal(t, 4, strings.Count(body, "\nvneid_proxy_accounts{"))
}

func TestAccountIsGivenUp(t *testing.T) {
	w := damagedWorld(t, "id,name,birth_date,citizen_number\ntk-1,Mẫu Thị Một,1990-01-31,099090000001\ntk-2,,,damaged\n")
	state := func() string {
		c := ran(t, w, 0, "export")
		rows, err := csv.NewReader(strings.NewReader(c.stdout.String())).ReadAll()
		require.NoError(t, err)
		return rows[1][3]
	}
	assert.Equal(t, "ready", state())
	ran(t, w, 1, "mark", "--account", "tk-1", "--state", "cannot_be_cleaned")
	ran(t, w, 1, "mark", "--account", "tk-9", "--state", "cannot_be_cleaned", "--reason", "x")
	ran(t, w, 0, "mark", "--account", "tk-1", "--state", "cannot_be_cleaned", "--reason", "no papers", "--officer", "canbo-1")
	assert.Equal(t, "cannot_be_cleaned", state())
	assert.Contains(t, ran(t, w, 0, "match").stdout.String(), "confirmed 0, not matched 0")
	ran(t, w, 0, "mark", "--account", "tk-1", "--state", "none", "--officer", "canbo-1")
	assert.Equal(t, "ready", state())
	assert.Len(t, audited(t, w, "clean_given_up"), 2)
}

func TestImportIsAllOrNothing(t *testing.T) {
	w := damagedWorld(t, "id\nbefore\n")
	from := filepath.Join(t.TempDir(), "from.csv")
	require.NoError(t, os.WriteFile(from, []byte(damaged+"tk-6,robot,,,,,,\ntk-7,citizen,12,,,,31.1.90,\ntk-1,citizen,,,,,,\n"), 0o600))
	c := ran(t, w, 1, "import", from)
	for _, said := range []string{"line 3, column citizen_number: want 12 digits", "line 7, column kind: want citizen",
		"line 8, column citizen_number: want 12 digits", "1 ids occur more than once", "is as it was"} {
		assert.Contains(t, c.stderr.String(), said)
	}
	assert.NotContains(t, c.stderr.String(), "99090000002")
	kept, err := os.ReadFile(w.accounts)
	require.NoError(t, err)
	assert.Equal(t, "id\nbefore\n", string(kept))

	require.NoError(t, os.WriteFile(from, []byte(damaged), 0o600))
	ran(t, w, 0, "import", from, "--repair-zeros")
	accounts := inFile(t, w.accounts)
	require.Len(t, accounts, 5)
	assert.Equal(t, "099090000002", accounts[1].Number.Reveal())
	assert.Equal(t, "099090000001", accounts[3].Number.Reveal(), "tidied")
	assert.Equal(t, "+84@thu.example", accounts[0].Email)
	assert.False(t, accounts[1].NumberVerified)
	info, err := os.Stat(w.accounts)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(w.accounts))
	require.NoError(t, err)
	assert.Len(t, left, 1)
	procServe(t, w.environ()).kill()

	// What is exported imports the same.
	output := filepath.Join(t.TempDir(), "out.csv")
	ran(t, w, 1, "export", "--as", "accounts", "--output", output)
	ran(t, w, 0, "export", "--as", "accounts", "--reveal", "--output", output)
	again := inFile(t, output)
	assert.Equal(t, accounts, again)
}

func TestImportNamesAHundredFaults(t *testing.T) {
	w := damagedWorld(t, "id\nbefore\n")
	from := filepath.Join(t.TempDir(), "from.csv")
	var text strings.Builder
	text.WriteString("id,citizen_number\n")
	for i := range 250 {
		fmt.Fprintf(&text, "tk-%d,1\n", i)
	}
	require.NoError(t, os.WriteFile(from, []byte(text.String()), 0o600))
	c := ran(t, w, 1, "import", from)
	assert.Contains(t, c.stderr.String(), "250 faults, the first 100 of them below")
	assert.Equal(t, 100, strings.Count(c.stderr.String(), "want 12 digits"))
}

func TestWorklist(t *testing.T) {
	w := damagedWorld(t, damaged)
	output := filepath.Join(t.TempDir(), "work.csv")
	ran(t, w, 0, "export", "--only", "repairable,number_untidy", "--output", output)
	text, err := os.ReadFile(output)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	l := openProcLedger(t, w)
	defer func() { require.NoError(t, l.Close()) }()
	assert.Equal(t, []string{l.Pseudonym("account", "tk-2"), "citizen", "citizen", "repairable", "number_zeros_lost", "********002"}, rows[1])
	assert.True(t, slices.Contains(rows[2], "number_untidy;number_unverified"))
}

// The portal's own directory is read whole where it offers that; else the
// command says what to do.
func TestServedDirectoryIsReadWhole(t *testing.T) {
	w := damagedWorld(t, damaged)
	environ := w.environ("DIRECTORY_URL=" + w.portal + "/api/directory")
	c := procStart(t, environ, "accounts", "report", "--format", "json")
	assert.Zero(t, c.code(t), c.stderr.String())
	assert.Contains(t, c.stdout.String(), `"accounts"`)
	c = procStart(t, w.environ("DIRECTORY_URL="+w.portal+"/api/nothing-here"), "accounts", "report")
	assert.Equal(t, 1, c.code(t))
	assert.Contains(t, c.stderr.String(), "have the portal serve /scan")
	c = procStart(t, environ, "accounts", "report", "--file", w.accounts)
	assert.Zero(t, c.code(t), c.stderr.String())
	c = procStart(t, environ, "accounts", "import", w.accounts)
	assert.Equal(t, 1, c.code(t))
	assert.Contains(t, c.stderr.String(), "nothing to import into")
}

// inFile is the accounts of a file that serve can read.
func inFile(t *testing.T, path string) (accounts []identity.Account) {
	t.Helper()
	d, err := directory.OpenEmbedded(t.Context(), path)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Scan(t.Context(), func(r directory.Record) error {
		accounts = append(accounts, r.Account)
		return nil
	}))
	return accounts
}
