package directory

import (
	"context"
	"fmt"
	"net/http"

	"vneid-proxy/identity"
)

// maxCursor is how long a cursor may be, in bytes.
const maxCursor = 255

// pageReply is the answer to a scan, as docs/directory-api.yaml has it.
type pageReply struct {
	Accounts []scannedRow `json:"accounts"`
	Next     *string      `json:"next"`
}

// scannedRow is a row with what it could not hold.
type scannedRow struct {
	row
	NumberText    *string `json:"citizen_number_text"`
	IDCardText    *string `json:"id_card_number_text"`
	BirthDateText *string `json:"birth_date_text"`
}

// Scan visits every account; see Record. ErrUnsupported: the portal answers 404,
// for it does not have this operation.
func (d *HTTP) Scan(ctx context.Context, visit func(Record) error) error {
	var cursor, old string // old is a former cursor, later and later ones (Brent's algorithm)
	for n, power := 1, 1; ; n++ {
		page, next, err := d.page(ctx, cursor)
		if err != nil {
			return err
		}
		for _, record := range page {
			if err := visit(record); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		if next == cursor || next == old {
			return fmt.Errorf("%w: its pages go in a circle", ErrMalformed)
		}
		if cursor = next; n == power {
			old, power = next, 2*power
		}
	}
}

func (d *HTTP) page(ctx context.Context, after string) (page []Record, next string, err error) {
	var answer pageReply
	status, err := d.post(ctx, "/scan", struct {
		After string `json:"after"`
		Limit int    `json:"limit"`
	}{after, maxRows}, &answer)
	if status == http.StatusNotFound {
		return nil, "", fmt.Errorf("%w: have the portal serve /scan, as docs/directory-api.yaml says", ErrUnsupported)
	}
	if err != nil {
		return nil, "", fault(err)
	}
	page, ok := answer.records()
	if !ok || answer.Next == nil || len(*answer.Next) > maxCursor || !plain(*answer.Next) {
		return nil, "", ErrMalformed
	}
	return page, *answer.Next, nil
}

func (r pageReply) records() (page []Record, ok bool) {
	if r.Accounts == nil || len(r.Accounts) > maxRows {
		return nil, false
	}
	seen := make(map[identity.AccountID]bool)
	for _, row := range r.Accounts {
		record, ok := row.record()
		if !ok || seen[record.Account.ID] {
			return nil, false
		}
		seen[record.Account.ID] = true
		page = append(page, record)
	}
	return page, true
}

func (r scannedRow) record() (Record, bool) {
	read, ok := r.read()
	for _, text := range []*string{r.NumberText, r.IDCardText, r.BirthDateText} {
		ok = ok && text != nil && plain(*text)
	}
	if !ok {
		return Record{}, false
	}
	a := read.account
	return Record{
			Account: a, Version: read.version, BirthDateText: *r.BirthDateText,
			NumberText: identity.NumberTextOf(*r.NumberText), IDCardText: identity.NumberTextOf(*r.IDCardText),
		}, (a.Number.IsZero() || *r.NumberText == "") && (a.IDCard.IsZero() || *r.IDCardText == "") &&
			(a.BirthDate.IsZero() || *r.BirthDateText == "")
}
