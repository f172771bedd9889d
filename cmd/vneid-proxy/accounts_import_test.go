package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAccountsImport: what the command imports is what check counts, and a file
// with a fault changes nothing.
func TestAccountsImport(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{people: procPeople(1)})
	folder := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	into := "DIRECTORY_URL=embedded:" + filepath.Join(folder, "accounts.db")
	run := func(code int, file, into string, options ...string) string {
		c := procStart(t, w.environ(into), append([]string{"accounts", "import", file}, options...)...)
		require.Equal(t, code, c.code(t), c.stderr.String())
		assert.NotContains(t, c.stdout.String()+c.stderr.String(), "99202000345")
		return c.stdout.String() + c.stderr.String()
	}
	good := write("good.csv", "id,citizen_number\na,099202000345\nb,99202000345\nc,\n")
	said := run(0, good, into)
	assert.Contains(t, said, "3 accounts are in "+filepath.Join(folder, "accounts.db"))
	assert.Contains(t, said, "1 of them hold")
	counted := func() {
		t.Helper()
		_, found := checkRun(t, w, w.environ(into))
		checkMentions(t, found, "3 accounts: 0 with a verified number, 1 with one that was typed, 1 with what is no number, 1 without", "")
	}
	counted()
	assert.Contains(t, run(1, write("bad.csv", "id,kind\na,robot\na,x\n"), into), "line 2, column kind")
	counted()
	assert.Contains(t, run(1, good, "DIRECTORY_URL="+w.portal+"/api/directory"), "VNEID_PROXY_DIRECTORY_URL")
	assert.NotContains(t, run(0, good, into, "--repair-zeros"), "of them hold")
	_, found := checkRun(t, w, w.environ(into))
	checkMentions(t, found, "3 accounts: 0 with a verified number, 2 with one that was typed, 0 with what is no number, 1 without", "")
}
