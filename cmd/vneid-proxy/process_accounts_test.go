package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// crowdReport is what accounts report --format json prints.
type crowdReport struct {
	Accounts   int `json:"accounts"`
	Unreadable int `json:"unreadable"`
	States     []struct {
		State, Cohort string
		Accounts      int
	} `json:"states"`
	Findings []struct {
		Finding  string
		Accounts int
	} `json:"findings"`
	Duplicates []struct {
		Finding          string
		Groups, Accounts int
	} `json:"duplicates"`
	List []crowdItem `json:"list"`
}

type crowdItem struct {
	Kind, Cohort, Account, Text string
	Group                       int
}

// writeCrowd makes a file of so many rows and says what was planted there.
func writeCrowd(t *testing.T, path string, rows int) vneidtest.Planted {
	t.Helper()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	planted, err := vneidtest.WriteCrowd(file, rows)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return planted
}

// assertPlanted holds every count of a report to what was planted.
func assertPlanted(t *testing.T, planted vneidtest.Planted, text string) (r crowdReport) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	assert.Equal(t, planted.Accounts, r.Accounts)
	assert.Equal(t, planted.Unreadable, r.Unreadable)
	states, findings, groups, shared := map[string]map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range r.States {
		if states[c.State] == nil {
			states[c.State] = map[string]int{}
		}
		states[c.State][c.Cohort] = c.Accounts
	}
	for _, f := range r.Findings {
		findings[f.Finding] = f.Accounts
	}
	for _, d := range r.Duplicates {
		groups[d.Finding], shared[d.Finding] = d.Groups, d.Accounts
	}
	assert.Equal(t, planted.States, states)
	assert.Equal(t, planted.Findings, findings)
	assert.Equal(t, planted.Groups, groups)
	assert.Equal(t, planted.Shared, shared)
	return r
}

func TestReportCountsWhatWasPlanted(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	planted := writeCrowd(t, w.accounts, 20_050)
	require.Len(t, planted.Findings, 14, "every finding of an account is planted")
	require.Len(t, planted.Groups, 4, "every kind of duplicate is planted")
	work := t.TempDir()
	c := procStart(t, w.environ(), "accounts", "report", "--format", "json", "--work-folder", work)
	require.Zero(t, c.code(t), c.stderr.String())
	r := assertPlanted(t, planted, c.stdout.String())
	assert.Empty(t, r.List)
	left, err := os.ReadDir(work)
	require.NoError(t, err)
	assert.Empty(t, left, "working files are left")
}

// TestBenchAccounts is the ordinary test with as many rows as BENCH_ACCOUNTS
// says, on the product as it is shipped, and with a bound on memory: 200 MiB
// whatever the number. make bench-accounts runs it.
func TestBenchAccounts(t *testing.T) {
	rows, err := strconv.Atoi(os.Getenv("BENCH_ACCOUNTS"))
	alone := err == nil
	if !alone {
		rows = 2_000 // enough to hold that the bench itself works
	}
	binary := filepath.Join(t.TempDir(), "vneid-proxy")
	said, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(said))
	w := newProcWorld(t, procWorldConfig{})
	planted := writeCrowd(t, w.accounts, rows)
	info, err := os.Stat(w.accounts)
	require.NoError(t, err)
	report := exec.Command(binary, "accounts", "report", "--format", "json", "--work-folder", t.TempDir())
	report.Env = w.environ()
	report.Stderr = os.Stderr
	began := time.Now()
	text, err := report.Output()
	took := time.Since(began)
	require.NoError(t, err)
	assertPlanted(t, planted, string(text))
	peak := report.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	t.Logf("%d rows, %d MB: %s wall, %s user, %s system, peak %d MiB of memory", rows, info.Size()/1e6,
		took.Round(10*time.Millisecond), report.ProcessState.UserTime(), report.ProcessState.SystemTime(), peak)
	if alone { // else the peak is that of this test's process, from which the child's is counted on
		assert.Less(t, peak, int64(200), "memory grows with the directory")
	}
}
