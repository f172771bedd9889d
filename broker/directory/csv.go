package directory

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vneid-proxy/identity"
)

// RowError is one fault in a file of accounts. It names the place and never
// repeats what stands there.
type RowError struct {
	Line    int    // 1 is the header
	Column  string // the column's name; "" where the row as a whole is at fault
	Problem string
}

// Error implements error.
func (e RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.Problem)
}

// RowErrors are faults for which a file is read no further.
type RowErrors []RowError

// Error implements error.
func (e RowErrors) Error() string {
	var lines []string
	for _, fault := range e {
		lines = append(lines, fault.Error())
	}
	return strings.Join(lines, "\n")
}

// readCSV reads accounts, row by row, from comma-separated values in UTF-8 (RFC
// 4180; a byte order mark is tolerated). The first line names the columns; see
// columns. What is no number or no birth date comes as text. A row with
// another fault is told to fault and left out. It ends with the first error of
// visit; its own are a header without accounts and a quote left open
// (RowErrors), and a file that cannot be read.
func readCSV(ctx context.Context, from io.Reader, fault func(RowError), visit func(line int, r Record) error) error {
	text := bufio.NewReaderSize(from, 1<<18)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	rows := csv.NewReader(text)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return RowErrors{{Line: 1, Problem: "no header"}}
	}
	order, faults := readHeader(header)
	if len(faults) > 0 {
		return RowErrors(faults)
	}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
			wrong := RowError{Line: syntax.StartLine, Problem: "no row of comma-separated values with as many fields as the header"}
			if !errors.Is(err, csv.ErrFieldCount) {
				return RowErrors{wrong} // after an unpaired quote nobody knows where a row begins
			}
			fault(wrong)
			continue
		}
		if err != nil {
			return fmt.Errorf("the file cannot be read: %w", err)
		}
		line, _ := rows.FieldPos(0)
		record, wrong := readRow(order, row, line)
		if len(wrong) > 0 {
			for _, w := range wrong {
				fault(w)
			}
			continue
		}
		if err := visit(line, record); err != nil {
			return err
		}
	}
}

func readHeader(header []string) (order []column, faults []RowError) {
	all := columns()
	for position, name := range header {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(c column) bool { return c.name == name })
		switch {
		case i < 0:
			faults = append(faults, RowError{1, fmt.Sprint(position + 1), "no such column"})
		case slices.ContainsFunc(order, func(c column) bool { return c.name == name }):
			faults = append(faults, RowError{1, name, "occurs twice"})
		default:
			order = append(order, all[i])
		}
	}
	if !slices.ContainsFunc(order, func(c column) bool { return c.name == "id" }) {
		faults = append(faults, RowError{1, "id", "is required"})
	}
	return order, faults
}

func readRow(order []column, row []string, line int) (Record, []RowError) {
	record := Record{Account: identity.Account{Kind: identity.KindCitizen}}
	account := &record.Account
	var faults []RowError
	for i, column := range order {
		// A row's fields are parts of one text: what is kept is copied, so that
		// a name does not keep the row.
		text := strings.Clone(strings.TrimSpace(row[i]))
		problem := unless(plain(text), "want at most 255 bytes of UTF-8 without control characters")
		if problem == "" {
			problem = column.read(account, text)
			if problem != "" && record.keep(column.name, text) {
				continue
			}
		}
		if problem != "" {
			faults = append(faults, RowError{line, column.name, problem})
		}
	}
	account.NumberVerified = account.NumberVerified && !account.Number.IsZero()
	return record, faults
}

// keep keeps a text that is not what its column wants, where a directory that
// is still to be cleaned up may hold such.
func (r *Record) keep(column, text string) bool {
	switch column {
	case "citizen_number":
		r.NumberText = identity.NumberTextOf(text)
	case "id_card_number":
		r.IDCardText = identity.NumberTextOf(text)
	case "birth_date":
		r.BirthDateText = text
	default:
		return false
	}
	return true
}

// unreadable reports whether something stands in the record as text only.
func (r *Record) unreadable() bool {
	return !r.NumberText.IsZero() || !r.IDCardText.IsZero() || r.BirthDateText != ""
}
