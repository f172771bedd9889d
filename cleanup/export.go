package cleanup

import (
	"context"
	"encoding/csv"
	"io"
	"strings"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// Worklist writes a row for every account that wanted says: its state, its
// findings and what stands in a number's place, for staff who go through them.
// Cells that a spreadsheet would run are made text.
func Worklist(ctx context.Context, c Config, to io.Writer, s Show, wanted func(State, []Finding) bool) (written int, err error) {
	w := csv.NewWriter(to)
	if err := w.Write([]string{"account", "kind", "cohort", "state", "findings", "text"}); err != nil {
		return 0, err
	}
	var waiting []Reading
	settle := func() error {
		known, err := cleaned(ctx, c.Ledger, waiting)
		if err != nil {
			return err
		}
		for i, f := range waiting {
			state := f.state(known[i])
			if !wanted(state, f.Findings) {
				continue
			}
			findings := make([]string, len(f.Findings))
			for n, finding := range f.Findings {
				findings[n] = string(finding)
			}
			written++
			if err := w.Write([]string{inert(s.account(f.Account.ID)), string(f.Account.Kind), inert(f.Cohort), string(state),
				strings.Join(findings, ";"), inert(s.text(f.Text))}); err != nil {
				return err
			}
		}
		waiting = waiting[:0]
		return nil
	}
	if err := c.Directory.Scan(ctx, func(r directory.Record) error {
		if waiting = append(waiting, c.Rules.Read(r)); len(waiting) < batch {
			return nil
		}
		return settle()
	}); err != nil {
		return written, err
	}
	if err := settle(); err != nil {
		return written, err
	}
	w.Flush()
	return written, w.Error()
}

// Problem says what of an account an accounts file cannot hold, by column; ""
// where nothing is. The rules may have repaired it.
func (f Reading) Problem(r directory.Record) (column, problem string) {
	inPlaceOfCard, err := identity.ParseCitizenNumber(whole(r.IDCardText))
	moved := err == nil && inPlaceOfCard == f.Account.Number
	switch {
	case !r.NumberText.IsZero() && f.Account.Number.IsZero() && f.numberState != StateNoNumber:
		return "citizen_number", "want 12 digits"
	case !r.IDCardText.IsZero() && f.Account.IDCard.IsZero() && !moved:
		return "id_card_number", "want 9 digits"
	case r.BirthDateText != "":
		return "birth_date", "want yyyy-mm-dd, dd/mm/yyyy or yyyy"
	case f.Account.NumberVerified && f.Account.Number.IsZero():
		return "citizen_number_verified", "there is no number"
	}
	return "", ""
}

// Repeats finds account ids that occur twice among any number.
type Repeats struct {
	found *duplicates
}

// NewRepeats works in a folder; "" is the system's for temporary files. It must
// be closed.
func NewRepeats(folder string) *Repeats { return &Repeats{newDuplicates(folder, sortRoom)} }

// Add takes an account in.
func (r *Repeats) Add(id identity.AccountID) error {
	return r.found.add(Reading{Account: identity.Account{ID: id}})
}

// Count is how many ids occur more than once.
func (r *Repeats) Count() (ids int, err error) {
	err = r.found.each(func(group) error { ids++; return nil })
	return ids, err
}

// Close lets go of the working files.
func (r *Repeats) Close() error { return r.found.close() }
