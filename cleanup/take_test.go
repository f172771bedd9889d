package cleanup_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/cleanup"
	"vneid-proxy/identity"
)

// records is a directory.
type records []directory.Record

func (all records) Scan(_ context.Context, visit func(directory.Record) error) error {
	for _, r := range all {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

func openLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{
		URL:  (&url.URL{Scheme: "sqlite", Path: filepath.Join(t.TempDir(), "ledger.db")}).String(),
		Keys: [][]byte{bytes.Repeat([]byte{1}, 32)}, IndexKey: bytes.Repeat([]byte{9}, 32),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

func take(t *testing.T, c cleanup.Config) *cleanup.Report {
	t.Helper()
	if c.Ledger == nil {
		c.Ledger = openLedger(t)
	}
	r, err := cleanup.Take(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

func named(id string, change ...func(*directory.Record)) func(*directory.Record) {
	return func(r *directory.Record) {
		r.Account.ID = identity.AccountID(id)
		for _, f := range change {
			f(r)
		}
	}
}

func called(name string) func(*directory.Record) {
	return func(r *directory.Record) { r.Account.Name = name }
}

func everything(cleanup.Finding, cleanup.State) bool { return true }

func TestDuplicatesOfAPerson(t *testing.T) {
	newYear := func(r *directory.Record) { r.Account.BirthDate = identity.BirthDate{Year: 1990, Month: 1, Day: 1} }
	yearOnly := func(r *directory.Record) { r.Account.BirthDate = identity.BirthDate{Year: 1990} }
	tests := []struct {
		name  string
		all   records
		found map[cleanup.Finding][]string
	}{
		{"one number", records{record("099090012345", "", named("a")), record("099090012345", "", named("b", called("Mẫu Văn Khác"))), record("099090054321", "", named("c"))},
			map[cleanup.Finding][]string{cleanup.NumberTwice: {"a", "b"}}},
		{"one CMND, two people", records{record("099090012345", "099123456", named("a")), record("099090054321", "099123456", named("b"))},
			map[cleanup.Finding][]string{cleanup.IDCardShared: {"a", "b"}}},
		{"one name and day, without numbers", records{record("", "", named("a")), record("", "990123456", named("b", called("ĐỖ THỊ THỬ")))},
			map[cleanup.Finding][]string{cleanup.PersonPossible: {"a", "b"}}},
		{"one of them with a number", records{record("", "", named("a")), record("099090012345", "", named("b"))},
			map[cleanup.Finding][]string{cleanup.PersonPossible: {"a", "b"}}},
		{"two different numbers", records{record("", "", named("a")), record("099090012345", "", named("b")), record("099090054321", "", named("c"))}, nil},
		{"1 January", records{record("", "", named("a", newYear)), record("", "", named("b", newYear))}, nil},
		{"a year alone", records{record("", "", named("a", yearOnly)), record("", "", named("b", yearOnly))}, nil},
		{"no name", records{record("", "", named("a", called(""))), record("", "", named("b", called("")))}, nil},
		{"one id", records{record("099090012345", "", named("a")), record("099090054321", "", named("a", called("Mẫu Văn Khác")))},
			map[cleanup.Finding][]string{cleanup.IDRepeated: {"a", "a"}}},
		{"a number, and the same damaged", records{record("099090012345", "", named("a")), record("99090012345", "", named("b", called("Mẫu Văn Khác")))}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := take(t, cleanup.Config{Directory: tt.all, Duplicates: true, List: func(f cleanup.Finding, _ cleanup.State) bool { return f != "" }})
			found := map[cleanup.Finding][]string{}
			require.NoError(t, r.List(func(i cleanup.Item) error {
				if i.Group > 0 {
					assert.Equal(t, 1, i.Group)
					found[i.Finding] = append(found[i.Finding], string(i.Account))
				}
				return nil
			}))
			assert.Len(t, found, len(tt.found))
			for finding, accounts := range tt.found {
				assert.ElementsMatch(t, accounts, found[finding])
			}
			for _, d := range r.Duplicates {
				assert.Equal(t, len(tt.found[d.Finding]), d.Accounts)
				assert.Equal(t, len(tt.found[d.Finding])/2, d.Groups)
			}
		})
	}
	repaired := take(t, cleanup.Config{Directory: tests[len(tests)-1].all, Duplicates: true, Rules: cleanup.Rules{RepairZeros: true}})
	assert.Equal(t, 2, repaired.Duplicates[0].Accounts, "a repaired number counts")
}

func TestCohorts(t *testing.T) {
	all := records{record("099090012345", "", named("a", func(r *directory.Record) { r.Account.Group = "xa-1" })), record("", "", named("b")), record("", "", named("c"))}
	r := take(t, cleanup.Config{Directory: all, Rules: cleanup.Rules{Cohort: func(a identity.Account) string { return a.Group }}})
	assert.Equal(t, []cleanup.StateCount{{cleanup.StateReady, "xa-1", 1}, {cleanup.StateNoNumber, "citizen", 2}}, r.States)
	assert.Equal(t, []ledger.CleanCount{{State: "ready", Cohort: "xa-1", Accounts: 1}, {State: "no_number", Cohort: "citizen", Accounts: 2}}, r.Counts())
}

// The hostile account would run a formula in a spreadsheet and steer a terminal.
func hostile() records {
	return records{
		record("=HYPERLINK(1)", "", named(`=cmd|' /C calc'!A0`)),
		record("99090012345", "", named("+84\x1b[2J")),
		record("099090012345", "", named("099090012345", func(r *directory.Record) { r.Account.NumberVerified = true })),
	}
}

func TestShownMasked(t *testing.T) {
	l := openLedger(t)
	print := func(with func(*cleanup.Report, *bytes.Buffer) error) string {
		r := take(t, cleanup.Config{Directory: hostile(), Ledger: l, Duplicates: true, List: everything})
		var b bytes.Buffer
		require.NoError(t, with(r, &b))
		return b.String()
	}
	masked, clear := cleanup.Show{Pseudonym: l.Pseudonym}, cleanup.Show{Pseudonym: l.Pseudonym, Clear: true}
	for name, texts := range map[string][2]string{
		"table": {print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.Table(b, masked) }), print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.Table(b, clear) })},
		"csv":   {print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.CSV(b, masked) }), print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.CSV(b, clear) })},
		"json":  {print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.JSON(b, masked) }), print(func(r *cleanup.Report, b *bytes.Buffer) error { return r.JSON(b, clear) })},
	} {
		for _, secret := range []string{"90012345", "calc", "+84", "HYPERLINK"} {
			assert.NotContains(t, texts[0], secret, name)
		}
		assert.Contains(t, texts[0], l.Pseudonym("account", "099090012345"), name)
		assert.Contains(t, texts[1], "99090012345", name)
		assert.NotContains(t, texts[0]+texts[1], "\x1b", name)
	}
}

func TestCSVRunsNothing(t *testing.T) {
	l := openLedger(t)
	clear := cleanup.Show{Pseudonym: l.Pseudonym, Clear: true}
	var report, worklist bytes.Buffer
	require.NoError(t, take(t, cleanup.Config{Directory: hostile(), Ledger: l, Duplicates: true, List: everything}).CSV(&report, clear))
	written, err := cleanup.Worklist(t.Context(), cleanup.Config{Directory: hostile(), Ledger: l}, &worklist, clear,
		func(cleanup.State, []cleanup.Finding) bool { return true })
	require.NoError(t, err)
	assert.Equal(t, 3, written)
	for _, text := range []string{report.String(), worklist.String()} {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		quoted := 0
		for _, row := range rows {
			for _, cell := range row {
				assert.NotRegexp(t, `^[=+\-@\t\r]`, cell)
				if strings.HasPrefix(cell, "'") {
					quoted++
				}
			}
		}
		assert.GreaterOrEqual(t, quoted, 3)
	}
}

func TestJSONIsWhole(t *testing.T) {
	l := openLedger(t)
	r := take(t, cleanup.Config{Directory: hostile(), Ledger: l, List: everything})
	var b bytes.Buffer
	require.NoError(t, r.JSON(&b, cleanup.Show{Pseudonym: l.Pseudonym}))
	var read map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &read))
	assert.EqualValues(t, 3, read["accounts"])
	assert.Empty(t, read["duplicates"])
	assert.Len(t, read["list"], 3+2, "three states and two findings")
}
