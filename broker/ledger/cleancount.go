package ledger

import (
	"context"
	"strconv"
	"time"
)

// CleanCount is how many accounts of a cohort are in a state of the clean-up.
type CleanCount struct {
	State, Cohort string // words of the clean-up's; no label holds anything personal
	Accounts      int
}

// cleanCounted is the name under which the time of the counts is kept.
const cleanCounted = "accounts_counted"

// PutCleanCounts replaces the counts by those of a whole reading of the
// directory. Answers move them on until the next one.
func (l *Ledger) PutCleanCounts(ctx context.Context, counts []CleanCount) error {
	return l.change(ctx, func(t *transaction) error {
		if _, err := t.exec("DELETE FROM clean_counts"); err != nil {
			return err
		}
		for _, c := range counts {
			if _, err := t.exec("INSERT INTO clean_counts (state, cohort, accounts) VALUES (?, ?, ?)", c.State, c.Cohort, c.Accounts); err != nil {
				return err
			}
		}
		_, err := t.exec(`INSERT INTO meta (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, cleanCounted, strconv.FormatInt(stamp(t.at), 10))
		return err
	})
}

// CleanCounts returns the counts and when the directory was read for them;
// none and zero where it never was.
func (l *Ledger) CleanCounts(ctx context.Context) (counts []CleanCount, at time.Time, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var counted string
		if known, err := t.one("SELECT value FROM meta WHERE name = ?", []any{cleanCounted}, &counted); err != nil || !known {
			return err
		}
		since, err := strconv.ParseInt(counted, 10, 64)
		if err != nil {
			return err
		}
		at = moment(since)
		return t.each("SELECT state, cohort, accounts FROM clean_counts ORDER BY state, cohort", nil, func(scan func(...any) error) error {
			var c CleanCount
			err := scan(&c.State, &c.Cohort, &c.Accounts)
			counts = append(counts, c)
			return err
		})
	})
	return counts, at, err
}

// moveClean counts one account in another state. Where the reading did not
// count it in the first, nothing is moved: the sum stays that of the reading.
func (t *transaction) moveClean(from, to CleanState, cohort string) error {
	moved, err := t.exec("UPDATE clean_counts SET accounts = accounts - 1 WHERE state = ? AND cohort = ? AND accounts > 0", string(from), cohort)
	if err != nil || moved == 0 {
		return err
	}
	_, err = t.exec(`INSERT INTO clean_counts (state, cohort, accounts) VALUES (?, ?, 1)
		ON CONFLICT (state, cohort) DO UPDATE SET accounts = clean_counts.accounts + 1`, string(to), cohort)
	return err
}
