package directory

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"vneid-proxy/identity"
)

// CSVScan reads a file of accounts row by row, as it is: a number that is none
// comes as text, where ReadCSV would leave the row out. It holds one row.
type CSVScan struct {
	Path string
	// Fault is told of what is no account: a row with other fields than the
	// header, without an id, of no known kind. nil: nobody is told.
	Fault func(RowError)
}

// Scan visits every account of the file; see Record. A file that cannot be
// opened or read, or whose header names no accounts, is an error.
func (s CSVScan) Scan(ctx context.Context, visit func(Record) error) error {
	return s.Rows(ctx, func(_ int, r Record) error { return visit(r) })
}

// Rows is Scan with the line on which each account begins; 1 is the header.
func (s CSVScan) Rows(ctx context.Context, visit func(line int, r Record) error) error {
	file, err := os.Open(s.Path)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	defer file.Close()
	text := bufio.NewReaderSize(file, 1<<18)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		_, _ = text.Discard(3)
	}
	rows := csv.NewReader(text)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("directory: %s: %w", s.Path, RowError{Line: 1, Problem: "no header"})
	}
	order, faults := readHeader(header)
	if len(faults) > 0 {
		all := []error{fmt.Errorf("directory: %s", s.Path)}
		for _, fault := range faults {
			all = append(all, fault)
		}
		return errors.Join(all...)
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
			fault := RowError{Line: syntax.StartLine, Problem: "no row of comma-separated values with as many fields as the header"}
			if !errors.Is(err, csv.ErrFieldCount) { // after an unpaired quote nobody knows where a row begins
				return fmt.Errorf("directory: %s: %w", s.Path, fault)
			}
			s.tell(fault)
			continue
		}
		if err != nil {
			return fmt.Errorf("directory: %s: the file cannot be read: %w", s.Path, err)
		}
		line, _ := rows.FieldPos(0)
		record, wrong := readRecord(order, row, line)
		if len(wrong) > 0 {
			for _, fault := range wrong {
				s.tell(fault)
			}
			continue
		}
		if err := visit(line, record); err != nil {
			return err
		}
	}
}

func (s CSVScan) tell(fault RowError) {
	if s.Fault != nil {
		s.Fault(fault)
	}
}

// readRecord is readRow for whoever wants to see what is wrong with a number
// or a birth date.
func readRecord(order []column, row []string, line int) (Record, []RowError) {
	r := Record{Account: identity.Account{Kind: identity.KindCitizen}}
	var faults []RowError
	for i, column := range order {
		text := strings.TrimSpace(row[i])
		if !plain(text) {
			faults = append(faults, RowError{line, column.name, "want at most 255 bytes of UTF-8 without control characters"})
			continue
		}
		problem := column.read(&r.Account, text)
		if problem == "" {
			continue
		}
		switch column.name {
		case "citizen_number":
			r.NumberText = identity.NumberTextOf(text)
		case "id_card_number":
			r.IDCardText = identity.NumberTextOf(text)
		case "birth_date":
			r.BirthDateText = text
		default:
			faults = append(faults, RowError{line, column.name, problem})
		}
	}
	return r, faults
}
