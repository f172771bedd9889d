package broker

import (
	"errors"
	"fmt"
	"net/http"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// identity is "Thông tin định danh": what is known of the person, with a tick
// only where there is evidence, and their linked accounts.
func (l *Link) identity(w http.ResponseWriter, r *http.Request) {
	held, ok := l.live(r).(*session.Session)
	if !ok {
		to(w, r, l.Prefix+"/sign-in?rd=/")
		return
	}
	var account identity.Account
	var active ledger.Link
	err := error(ledger.ErrNotFound)
	if held.Account.ID != "" {
		if account, err = l.Directory.ByID(r.Context(), held.Account.ID); err != nil {
			l.refuse(w, r, err)
			return
		}
		active, err = l.Ledger.ActiveByAccount(r.Context(), held.Account.ID)
	}
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		l.refuse(w, r, err)
		return
	}
	// Whom the account is linked to is not for somebody whom another provider
	// has named it for.
	linked := err == nil && held.Standing != identity.StandingNone
	page := screen.Identity{
		Rows:      rows(account, held, linked, active.IDCard),
		CanUpdate: unlinked(held.Standing), Organisation: held.Citizen.Organisation,
		CSRF: l.token(held.ID),
	}
	switch done := screen.Notice(r.URL.Query().Get("done")); {
	case held.Standing == identity.StandingSkipped:
		page.Notice = screen.NoticeSkipped
	case held.Standing == identity.StandingPending:
		page.Notice = screen.NoticePending
	case done == screen.NoticeUnlinkAsked, done == screen.NoticeUnlinkWithdrawn:
		page.Notice = done
	}
	if linked {
		if page.Accounts, err = l.linkedAccounts(r, held, active); err != nil {
			l.refuse(w, r, err)
			return
		}
	}
	l.Screens.Write(w, r, http.StatusOK, page)
}

func (l *Link) linkedAccounts(r *http.Request, held *session.Session, active ledger.Link) ([]screen.LinkedAccount, error) {
	links, err := l.Ledger.ActiveByCitizen(r.Context(), identity.Citizen{Number: active.Number, Organisation: held.Citizen.Organisation})
	if err != nil {
		return nil, err
	}
	var shown []screen.LinkedAccount
	for _, other := range links {
		entry := screen.LinkedAccount{Title: l.titleOf(r.Context(), other.Account), Default: other.Default, Since: other.Since, UnlinkDue: other.UnlinkDue}
		if vouched(held) {
			entry.Handle = l.handle(held.ID, other.Account)
		}
		shown = append(shown, entry)
	}
	return shown, nil
}

// rows are the guide's ten. Number, name and birth date are verified by a
// match or by the provider, the ID-card number where the population database
// has said that it is the citizen's; everything else is the portal's own word.
func rows(account identity.Account, held *session.Session, linked bool, card identity.IDCardNumber) []screen.IdentityRow {
	verified := linked || held.Citizen.Subject != "" && held.Standing != identity.StandingNone
	name, born, number := account.Name, account.BirthDate, account.Number
	if verified {
		name, born, number = held.Citizen.Name, held.Citizen.BirthDate, held.Citizen.Number
	}
	values := map[screen.Row]string{
		screen.RowName: name, screen.RowIDCard: account.IDCard.String(), screen.RowCitizenNumber: number.String(),
		screen.RowBirthDate: birthday(born), screen.RowPhone: masked(account.Phone), screen.RowEmail: account.Email,
	}
	var all []screen.IdentityRow
	for _, label := range screen.Rows() {
		row := screen.IdentityRow{Label: label, Value: values[label]}
		if row.Value != "" {
			row.Mark = screen.Unverified
		}
		switch label {
		case screen.RowIDCard:
			if row.Value != "" && linked && card == account.IDCard {
				row.Mark = screen.Verified
			}
		case screen.RowName, screen.RowCitizenNumber, screen.RowBirthDate:
			if row.Value != "" && (verified || label == screen.RowCitizenNumber && account.NumberVerified) {
				row.Mark = screen.Verified
			}
		}
		all = append(all, row)
	}
	return all
}

// identityUpdate leads whoever has no link yet back to the link screen.
func (l *Link) identityUpdate(w http.ResponseWriter, r *http.Request) {
	held, ok := l.live(r).(*session.Session)
	if !ok {
		to(w, r, l.Prefix+"/sign-in?rd=/")
		return
	}
	if !l.authentic(w, r, held.ID) {
		return
	}
	if !unlinked(held.Standing) {
		to(w, r, l.Prefix+"/identity")
		return
	}
	to(w, r, l.Prefix+"/link")
}

// birthday is a birth date as people here write it; the year alone where no
// more is known.
func birthday(d identity.BirthDate) string {
	if d.IsZero() || d.YearOnly() {
		return d.String()
	}
	return fmt.Sprintf("%02d/%02d/%04d", d.Day, d.Month, d.Year)
}
