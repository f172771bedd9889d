package directory

import (
	"context"
	"fmt"
	"os"
)

// CSVScan reads a file of accounts row by row, as it is: a number that is none
// comes as text. It holds one row.
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
	fault := s.Fault
	if fault == nil {
		fault = func(RowError) {}
	}
	var visited error
	err = readCSV(ctx, file, fault, func(line int, r Record) error {
		visited = visit(line, r)
		return visited
	})
	if err != nil && err != visited {
		return fmt.Errorf("directory: %s: %w", s.Path, err)
	}
	return err
}
