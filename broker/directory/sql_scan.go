package directory

import (
	"context"
	"math"
	"strconv"

	"vneid-proxy/identity"
)

// pageSize is how many accounts one page of a scan has.
const pageSize = 500

// Scan visits every account, by pages that each begin after the last id of the
// one before; see Record. ErrMalformed where the operator's file has no scan,
// or it does not go forward.
func (d *SQL) Scan(ctx context.Context, visit func(Record) error) error {
	if !d.queries.Has("scan") {
		return malformed("the queries file has no scan")
	}
	after := map[string]any{"after": d.queries.dialect.least, "after_integer": int64(math.MinInt32), "limit": int64(pageSize)}
	var last identity.AccountID
	for {
		page, err := d.page(ctx, after)
		if err != nil {
			return err
		}
		for i, record := range page {
			if record.Account.ID == last || i > 0 && record.Account.ID == page[i-1].Account.ID {
				return malformed("scan does not go on from id to id")
			}
		}
		for _, record := range page {
			if err := visit(record); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].Account.ID
		after["after"] = string(last)
		if n, err := strconv.ParseInt(string(last), 10, 64); err == nil {
			after["after_integer"] = n
		} else if d.queries.statements["scan"].has("after_integer") {
			return malformed("scan goes on by :after_integer, and an id is none")
		}
	}
}

func (d *SQL) page(ctx context.Context, after map[string]any) (page []Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	err = d.reading(ctx, func(from asker) error {
		page, err = d.records(ctx, from, "scan", after, pageSize)
		return err
	})
	return page, err
}
