package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

// rehearsalReport counts by kind, cohort and outcome.
type rehearsalReport struct {
	at                            time.Time
	counts                        map[rehearsalRow]int
	accounts, blocked, unreadable int
}

type rehearsalRow struct {
	class   link.Class
	outcome link.Outcome
}

func newRehearsalReport(at time.Time) *rehearsalReport {
	return &rehearsalReport{at: at, counts: map[rehearsalRow]int{}}
}

func (r *rehearsalReport) add(one rehearsed) {
	r.counts[rehearsalRow{one.class, one.outcome}]++
	r.accounts++
	if one.outcome.Blocked() {
		r.blocked++
	}
	if one.unreadable {
		r.unreadable++
	}
}

// rows are by kind, cohort and outcome, each in its order.
func (r *rehearsalReport) rows() []rehearsalRow {
	var rows []rehearsalRow
	for row := range r.counts {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b rehearsalRow) int {
		return slices.Compare([]int{slices.Index(kinds(), a.class.Kind), strings.Compare(a.class.Cohort, b.class.Cohort), slices.Index(link.Outcomes(), a.outcome)},
			[]int{slices.Index(kinds(), b.class.Kind), 0, slices.Index(link.Outcomes(), b.outcome)})
	})
	return rows
}

func (r *rehearsalReport) write(w io.Writer, format string) error {
	switch format {
	case "csv":
		return r.writeCSV(w)
	case "json":
		return r.writeJSON(w)
	}
	return r.writeTable(w)
}

func (r *rehearsalReport) writeTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "kind\tcohort\toutcome\taccounts\t\n")
	for _, row := range r.rows() {
		note := ""
		if row.outcome.Blocked() {
			note = "blocked"
		}
		cohort := row.class.Cohort
		if cohort == "" {
			cohort = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", row.class.Kind, cohort, row.outcome, r.counts[row], note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %d accounts, %d blocked\n", r.at.In(vietnam()).Format(time.RFC3339), r.accounts, r.blocked)
	if err == nil && r.unreadable > 0 {
		_, err = fmt.Fprintf(w, "%d hold a number or a birth date that cannot be read, and count as without it\n", r.unreadable)
	}
	return err
}

func (r *rehearsalReport) writeCSV(w io.Writer) error {
	table := csv.NewWriter(w)
	_ = table.Write([]string{"kind", "cohort", "outcome", "blocked", "accounts"})
	for _, row := range r.rows() {
		_ = table.Write([]string{string(row.class.Kind), row.class.Cohort, string(row.outcome),
			strconv.FormatBool(row.outcome.Blocked()), strconv.Itoa(r.counts[row])})
	}
	table.Flush()
	return table.Error()
}

func (r *rehearsalReport) writeJSON(w io.Writer) error {
	type count struct {
		Kind     identity.Kind `json:"kind"`
		Cohort   string        `json:"cohort"`
		Outcome  link.Outcome  `json:"outcome"`
		Blocked  bool          `json:"blocked"`
		Accounts int           `json:"accounts"`
	}
	counts := []count{}
	for _, row := range r.rows() {
		counts = append(counts, count{row.class.Kind, row.class.Cohort, row.outcome, row.outcome.Blocked(), r.counts[row]})
	}
	return json.NewEncoder(w).Encode(struct {
		At         time.Time `json:"at"`
		Accounts   int       `json:"accounts"`
		Blocked    int       `json:"blocked"`
		Unreadable int       `json:"unreadable"`
		Counts     []count   `json:"counts"`
	}{r.at.In(vietnam()), r.accounts, r.blocked, r.unreadable, counts})
}

// blockedList is the file that names who would be blocked. A nil one takes
// nothing down.
type blockedList struct {
	file  *os.File
	table *csv.Writer
	name  func(identity.AccountID) string
}

// newBlockedList begins the file, for its owner alone; "" is none. An existing
// one is not written over.
func newBlockedList(path string, name func(identity.AccountID) string) (*blockedList, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("--list: %s is there already; name another file", path)
	}
	if err != nil {
		return nil, err
	}
	l := &blockedList{file, csv.NewWriter(file), name}
	return l, l.table.Write([]string{"account", "kind", "cohort", "outcome"})
}

func (l *blockedList) add(one rehearsed) error {
	if l == nil || !one.outcome.Blocked() {
		return nil
	}
	return l.table.Write([]string{l.name(one.account.ID), string(one.class.Kind), one.class.Cohort, string(one.outcome)})
}

// close finishes the file; one that is not whole is taken away.
func (l *blockedList) close(whole bool) error {
	if l == nil {
		return nil
	}
	l.table.Flush()
	err := errors.Join(l.table.Error(), l.file.Close())
	if !whole || err != nil {
		err = errors.Join(err, os.Remove(l.file.Name()))
	}
	return err
}
