package main_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// TestRehearsalOfADay: the counts in each form, the list of who is blocked, and
// what an exemption changes of it; beside serve and before it.
func TestRehearsalOfADay(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte("default: {legacy_sign_in_until: 2031-06-30, skip_until: never}\nkinds: {official: {skip_until: 2031-06-30}}\n"), 0o600))
	environ := w.environ("POLICY_FILE=" + file)
	type counts struct {
		Accounts, Blocked int
		Counts            []struct {
			Kind, Cohort, Outcome string
			Blocked               bool
			Accounts              int
		}
	}
	rehearse := func(at string, args ...string) (said counts, all string) {
		t.Helper()
		c := procStart(t, environ, append([]string{"check", "--policy", "--at", at, "--format", "json"}, args...)...)
		require.Zero(t, c.code(t), c.stderr.String())
		require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &said))
		return said, c.stdout.String() + c.stderr.String()
	}
	of := func(said counts, kind, outcome string) (n int) {
		for _, row := range said.Counts {
			if row.Kind == kind && row.Outcome == outcome {
				n += row.Accounts
			}
		}
		return n
	}
	var accounts, numbered, locked int
	for _, p := range vneidtest.Personas() {
		for _, a := range p.Accounts {
			accounts++
			switch {
			case a.Locked:
				locked++
			case a.CitizenNumberVerified:
				numbered++
			}
		}
	}
	before, words := rehearse("2031-06-30")
	assert.Contains(t, words, "there is no ledger yet")
	assert.Equal(t, accounts, before.Accounts)
	assert.Equal(t, numbered, of(before, "citizen", "trusted_number")+of(before, "official", "trusted_number"))
	assert.Equal(t, locked, of(before, "citizen", "locked")+of(before, "official", "locked"))
	assert.Positive(t, of(before, "citizen", "must_link"))
	_, err := os.Stat(w.ledger())
	assert.ErrorIs(t, err, os.ErrNotExist, "a rehearsal makes no ledger")

	procServe(t, environ)
	list := filepath.Join(t.TempDir(), "blocked.csv")
	after, words := rehearse("2031-07-01", "--list", list)
	assert.Equal(t, of(after, "citizen", "legacy_closed")+of(after, "official", "legacy_closed"), after.Blocked)
	info, err := os.Stat(list)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	assert.Len(t, rows, after.Blocked+1)
	for _, p := range vneidtest.Personas() {
		assert.NotContains(t, words+string(text), p.CitizenNumber)
		for _, a := range p.Accounts {
			assert.NotContains(t, string(text), a.ID+",", "pseudonyms alone")
		}
	}
	again := procStart(t, environ, "check", "--policy", "--list", list)
	assert.Equal(t, 1, again.code(t))
	assert.Contains(t, again.stderr.String(), "is there already")

	account := vneidtest.Personas()[1].Accounts[0].ID // has a CMND alone
	for _, test := range []struct {
		code int
		says string
		args []string
	}{
		{1, "the directory has no account of that id; nothing was changed", []string{"nobody", "add", "--until", "2031-12-31", "--reason", "r", "--approver", "a"}},
		{1, "that day is over", []string{account, "add", "--until", "2020-12-31", "--reason", "r", "--approver", "a"}},
		{1, "write --until as a day", []string{account, "add", "--until", "soon", "--reason", "r", "--approver", "a"}},
		{1, "none of the values may be empty", []string{account, "add", "--until", "2031-12-31", "--reason", "", "--approver", "a"}},
		{2, "missing flags", []string{account, "add", "--until", "2031-12-31"}},
		{1, "none in force", []string{account, "end", "--reason", "r", "--approver", "a"}},
		{0, "", []string{account, "add", "--until", "2031-12-31", "--reason", "Không có điện\nthoại", "--approver", "truong-phong"}},
	} {
		c := procStartWith(t, environ, test.args[0]+"\n", append([]string{"exemptions"}, test.args[1:]...)...)
		assert.Equal(t, test.code, c.code(t), "%v: %s", test.args, c.stderr.String())
		assert.Contains(t, c.stderr.String(), test.says)
		assert.NotContains(t, c.stdout.String(), account)
	}
	listed := procStart(t, environ, "exemptions", "list")
	require.Zero(t, listed.code(t))
	assert.Regexp(t, `(?m)^[0-9a-f]{16} +exemption +2031-12-31 +truong-phong +Không có điện thoại$`, listed.stdout.String())
	hidden := procStart(t, environ, "exemptions", "list", "--reveal")
	assert.Equal(t, 1, hidden.code(t))
	assert.Contains(t, hidden.stderr.String(), "--reveal needs --officer")
	revealed := procStart(t, environ, "exemptions", "list", "--reveal", "--officer", "thanh-tra")
	require.Zero(t, revealed.code(t))
	assert.Contains(t, revealed.stdout.String(), "\n"+account+" ")

	excused, _ := rehearse("2031-07-01")
	assert.Equal(t, after.Blocked-1, excused.Blocked)
	assert.Equal(t, 1, of(excused, "citizen", "exempt"))
	over, _ := rehearse("2032-01-01")
	assert.Equal(t, after.Blocked, over.Blocked)

	for at, says := range map[string]string{"2031-07-01": "citizen, exempt\n", "2032-01-01": "citizen, legacy_closed, blocked\n"} {
		one := procStartWith(t, environ, account, "check", "--policy", "--at", at, "--account")
		require.Zero(t, one.code(t), one.stderr.String())
		assert.Equal(t, at+"T12:00:00+07:00: "+says, one.stdout.String())
	}
	unknown := procStartWith(t, environ, "nobody", "check", "--policy", "--account")
	assert.Equal(t, 1, unknown.code(t))
	assert.Contains(t, unknown.stderr.String(), "no account of that id")

	table := procStart(t, environ, "check", "--policy", "--at", "2031-07-01")
	require.Zero(t, table.code(t))
	assert.Regexp(t, `(?m)^citizen +- +legacy_closed +\d+ +blocked$`, table.stdout.String())
	comma := procStart(t, environ, "check", "--policy", "--at", "2031-07-01", "--format", "csv")
	require.Zero(t, comma.code(t))
	assert.Contains(t, comma.stdout.String(), "kind,cohort,outcome,blocked,accounts\n")
	assert.Contains(t, comma.stdout.String(), "\ncitizen,,exempt,false,1\n")
}

// TestAnExemptionOpensTheDoor: after the last day nobody is offered the
// portal's own sign-in, until somebody is exempt.
func TestAnExemptionOpensTheDoor(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	environ := w.environ("LEGACY_SIGN_IN_UNTIL=2020-01-01", "SKIP_UNTIL=")
	child := procServe(t, environ)
	offered := func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+child.address+"/_vneid/start?provider=portal", nil)
		require.NoError(t, err)
		r.Host = procHost
		answer, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode == http.StatusFound
	}
	assert.False(t, offered())
	account := vneidtest.Personas()[1].Accounts[0].ID
	until := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	added := procStartWith(t, environ, account, "exemptions", "add", "--until", until, "--reason", "r", "--approver", "a", "--extension")
	require.Zero(t, added.code(t), added.stderr.String())
	assert.Contains(t, added.stdout.String(), "extension of account ")
	require.Eventually(t, offered, procPatience, 50*time.Millisecond)
	ended := procStartWith(t, environ, account, "exemptions", "end", "--reason", "r", "--approver", "a")
	require.Zero(t, ended.code(t), ended.stderr.String())
	require.Eventually(t, func() bool { return !offered() }, procPatience, 50*time.Millisecond)
}

// TestAPolicyThatCannotBeUsed is refused at start, with all that is wrong.
func TestAPolicyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newProcWorld(t, procWorldConfig{})
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte("default: {after: never, no_account: provision}\n"), 0o600))
	for _, args := range [][]string{{"serve"}, {"check"}, {"check", "--policy"}} {
		c := procStart(t, w.environ("POLICY_FILE="+file), args...)
		assert.Equal(t, 2, c.code(t))
		assert.Contains(t, c.stderr.String(), "VNEID_PROXY_POLICY_FILE: default.after: write link, read_only, refuse; default.no_account: write refuse or pass")
	}
	c := procStart(t, w.environ("POLICY_FILE="+file+".absent"), "serve")
	assert.Equal(t, 2, c.code(t))
	assert.Contains(t, c.stderr.String(), "VNEID_PROXY_POLICY_FILE: ")
}
