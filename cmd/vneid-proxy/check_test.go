package main_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// checkFound is one finding as a pipeline reads it.
type checkFound struct{ Check, State, Says, Mend string }

// checkRun runs check and reads what it prints as JSON.
func checkRun(t *testing.T, w *procWorld, environ []string, args ...string) (code int, found []checkFound) {
	t.Helper()
	c := procStart(t, environ, append([]string{"check", "--json"}, args...)...)
	code = c.code(t)
	var report struct {
		Findings                    []checkFound
		OK, Notes, Warnings, Faults int
	}
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &report), "%s%s", c.stdout.String(), c.stderr.String())
	checkSilent(t, w, c.stdout.String()+c.stderr.String())
	sum := map[string]int{}
	for _, f := range report.Findings {
		sum[f.State]++
		assert.NotEmpty(t, f.Says, f.Check)
		assert.Equal(t, f.State == "warning" || f.State == "fault", f.Mend != "", "%s: %s", f.Check, f.Says)
	}
	assert.Equal(t, map[string]int{"ok": report.OK, "note": report.Notes, "warning": report.Warnings, "fault": report.Faults},
		map[string]int{"ok": sum["ok"], "note": sum["note"], "warning": sum["warning"], "fault": sum["fault"]})
	assert.Equal(t, report.Faults > 0, code == 1)
	return code, report.Findings
}

// checkSilent looks for what no report may hold.
func checkSilent(t *testing.T, w *procWorld, said string) {
	t.Helper()
	for name, secret := range w.keys {
		assert.NotContains(t, said, secret, name)
	}
	for _, p := range vneidtest.Personas() {
		assert.NotContains(t, said, p.CitizenNumber)
		assert.NotContains(t, said, p.Name)
		for _, a := range p.Accounts {
			assert.NotContains(t, said, a.Password)
		}
	}
	assert.NotContains(t, said, checkCanary, "somebody else's words")
	assert.NotContains(t, said, "goroutine ")
}

// checkCanary stands in what others say.
const checkCanary = "canary-7f3a"

// checkOther are the findings that are neither ok nor a note.
func checkOther(found []checkFound) (other []string) {
	for _, f := range found {
		if f.State == "warning" || f.State == "fault" {
			other = append(other, f.State+" "+f.Check+": "+f.Says)
		}
	}
	return other
}

func TestCheckFindsNothingWrong(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	for name, args := range map[string][]string{"connects": nil, "asks": {"--ask-population"}} {
		t.Run(name, func(t *testing.T) {
			code, found := checkRun(t, w, w.environ(), args...)
			assert.Equal(t, 0, code)
			assert.Empty(t, checkOther(found))
			assert.NoFileExists(t, w.ledger())
		})
	}
}

