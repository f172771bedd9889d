package directory

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
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

// OpenCSV reads a file of accounts whole: where ReadCSV finds a fault there is
// no directory. All faults are in the error.
func OpenCSV(path string) ([]identity.Account, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	defer file.Close()
	accounts, faults := ReadCSV(file)
	if len(faults) > 0 {
		all := []error{fmt.Errorf("directory: %s: %d faults", path, len(faults))}
		for _, fault := range faults {
			all = append(all, fault)
		}
		return nil, errors.Join(all...)
	}
	return accounts, nil
}

// ReadCSV reads accounts from comma-separated values in UTF-8 (RFC 4180; a byte
// order mark is tolerated). The first line names the columns: id, username,
// kind, status, citizen_number, citizen_number_verified, id_card_number, name,
// birth_date, email, phone, roles, group, subject, created_by. A row with a fault is left out and named.
func ReadCSV(from io.Reader) ([]identity.Account, []RowError) {
	text := bufio.NewReader(from)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	rows := csv.NewReader(text)
	header, err := rows.Read()
	if err != nil {
		return nil, []RowError{{Line: 1, Problem: "no header"}}
	}
	order, faults := readHeader(header)
	if len(faults) > 0 {
		return nil, faults
	}
	var accounts []identity.Account
	seen := make(map[identity.AccountID]bool)
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return accounts, faults
		}
		if syntax := (*csv.ParseError)(nil); errors.As(err, &syntax) {
			faults = append(faults, RowError{Line: syntax.StartLine, Problem: "no row of comma-separated values with as many fields as the header"})
			if errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			return accounts, faults // after an unpaired quote nobody knows where a row begins
		}
		if err != nil {
			return accounts, append(faults, RowError{Problem: "the file cannot be read"})
		}
		line, _ := rows.FieldPos(0)
		account, wrong := readRow(order, row, line)
		if len(wrong) == 0 && seen[account.ID] {
			wrong = []RowError{{line, "id", "occurs twice"}}
		}
		if len(wrong) > 0 {
			faults = append(faults, wrong...)
			continue
		}
		seen[account.ID] = true
		accounts = append(accounts, account)
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

func readRow(order []column, row []string, line int) (identity.Account, []RowError) {
	account := identity.Account{Kind: identity.KindCitizen}
	var faults []RowError
	for i, column := range order {
		text := strings.TrimSpace(row[i])
		problem := unless(plain(text), "want at most 255 bytes of UTF-8 without control characters")
		if problem == "" {
			problem = column.read(&account, text)
		}
		if problem != "" {
			faults = append(faults, RowError{line, column.name, problem})
		}
	}
	if len(faults) == 0 && account.NumberVerified && account.Number.IsZero() {
		faults = append(faults, RowError{line, "citizen_number_verified", "there is no number"})
	}
	return account, faults
}
