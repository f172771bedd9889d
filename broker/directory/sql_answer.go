package directory

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// records asks one statement and reads its answer, of at most most rows.
func (d *SQL) records(ctx context.Context, from asker, purpose string, given map[string]any, most int) ([]Record, error) {
	answers, err := d.answers(ctx, from, purpose, given, most, slices.Collect(maps.Keys(d.queries.columns)))
	if err != nil {
		return nil, err
	}
	var records []Record
	for _, answer := range answers {
		record, problem := d.queries.record(answer)
		if problem != "" {
			return nil, malformed("%s of a row of %s cannot be read", problem, purpose)
		}
		records = append(records, record)
	}
	return records, nil
}

// complete holds the names of an answer's columns to those that the fields
// stand in.
func (q Queries) complete(purpose string, names, fields []string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return malformed("%s answers with two columns of one name", purpose)
		}
	}
	slices.Sort(fields)
	for _, field := range fields {
		column := strings.ToLower(q.columns[field].column)
		if field == fieldHash {
			column = strings.ToLower(q.hash)
		}
		if column != "" && !slices.Contains(names, column) {
			return malformed("%s answers without the column of %s", purpose, field)
		}
	}
	return nil
}

// fieldHash is the stored password among the fields of an account.
const fieldHash = "credential.hash"

// answers asks one statement and returns its rows, by the names of their
// columns in lower case, for databases change it as they like. Those of the
// fields must be there, even if no row is.
func (d *SQL) answers(ctx context.Context, from asker, purpose string, given map[string]any, most int, fields []string) ([]map[string]datum, error) {
	s := d.queries.statements[purpose]
	rows, err := from.QueryContext(ctx, s.text, s.arguments(given)...)
	if err != nil {
		return nil, sqlFault(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, sqlFault(ctx, err)
	}
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	if err := d.queries.complete(purpose, names, fields); err != nil {
		return nil, err
	}
	var all []map[string]datum
	size := 0
	for rows.Next() {
		if len(all) == most {
			return nil, malformed("%s answers with more than %d rows", purpose, most)
		}
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, sqlFault(ctx, err)
		}
		row := make(map[string]datum, len(names))
		for i, name := range names {
			row[name] = datumOf(values[i])
			size += len(row[name].text)
		}
		if size > maxAnswer {
			return nil, malformed("%s answers with more than %d bytes", purpose, maxAnswer)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, sqlFault(ctx, err)
	}
	return all, nil
}

// maxAnswer bounds an answer, in bytes; a page of a scan is the largest.
const maxAnswer = 4 << 20

// arguments are a value and what is derived from it: a number without its
// leading zeros, and as an integer, for columns that have lost them.
func arguments(parameter, value string) map[string]any {
	return map[string]any{
		parameter: value, parameter + "_trimmed": trimmed(value), parameter + "_integer": integer(parameter, value),
	}
}

// integer is NULL, which equals nothing, where the value is no integer. An id
// that would be written otherwise is another's.
func integer(parameter, value string) any {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || parameter == "account_id" && strconv.FormatInt(n, 10) != value {
		return sql.NullInt64{}
	}
	return n
}

func (s statement) arguments(given map[string]any) []any {
	list := make([]any, len(s.parameters))
	for i, name := range s.parameters {
		list[i] = given[name]
	}
	return list
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
