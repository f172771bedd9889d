package ledger

import (
	"context"
	"database/sql"

	"vneid-proxy/identity"
)

// ActiveByAccount returns the account's link; ErrNotFound where it has none.
func (l *Ledger) ActiveByAccount(ctx context.Context, account identity.AccountID) (link Link, err error) {
	err = l.read(ctx, func(t *transaction) error {
		link, err = t.active("l.account_hmac = ?", l.accountKey(account))
		return err
	})
	return link, err
}

// ActiveByCitizen returns a citizen's links, the default first, then by age;
// none is no error. They are those of the citizen's Organisation, or where
// that is zero those for themselves. The citizen is found by (provider,
// subject), else by number, and for an organisation by number alone;
// ErrConflict where the number is that of somebody whom the provider knows by
// another subject.
func (l *Ledger) ActiveByCitizen(ctx context.Context, citizen identity.Citizen) (links []Link, err error) {
	err = l.read(ctx, func(t *transaction) error {
		id, err := t.citizen(citizen, false)
		if err != nil || id == "" {
			return err
		}
		links, err = t.linksFor(id, l.organisationKey(citizen.Organisation))
		return err
	})
	return links, err
}

// ActiveOf returns every active link of a citizen of the ledger, for whomever
// they are; none is no error.
func (l *Ledger) ActiveOf(ctx context.Context, citizenID string) (links []Link, err error) {
	err = l.read(ctx, func(t *transaction) error {
		links, err = t.links("l.citizen_id = ?", citizenID)
		return err
	})
	return links, err
}

// linksFor are a citizen's links for one organisation, or for themselves.
func (t *transaction) linksFor(citizenID string, organisation []byte) ([]Link, error) {
	return t.links("l.citizen_id = ? AND l.organisation_hmac = ?", citizenID, organisation)
}

// NoteSubject records that the provider has vouched for a citizen of the
// ledger: the subject is added where it was unknown (a link of flow A meets
// the provider for the first time), and a new number of the same subject
// replaces the old one, audited, links kept. Of whoever acts for an
// organisation nothing is recorded. ErrConflict where subject or
// number belong to somebody else, or nothing known ties them to this citizen;
// ErrNotFound where there is no such citizen.
func (l *Ledger) NoteSubject(ctx context.Context, citizenID string, citizen identity.Citizen) error {
	return l.change(ctx, func(t *transaction) error {
		if citizen.Provider == "" || citizen.Subject == "" || citizen.Number.IsZero() {
			return ErrIncomplete
		}
		var one int
		if found, err := t.one("SELECT 1 FROM citizens WHERE id = ?", []any{citizenID}, &one); err != nil {
			return err
		} else if !found {
			return ErrNotFound
		}
		id, err := t.citizen(citizen, true)
		if err != nil {
			return err
		}
		if id != citizenID {
			return ErrConflict
		}
		_, err = t.meet(id, citizen)
		return err
	})
}

// MarkProviderUsed records that somebody signed in to the account by the
// provider; see Link.ProviderUsed. The first time, sessions of the account
// that began before end. ErrNotFound where the account has no active
// link.
func (l *Ledger) MarkProviderUsed(ctx context.Context, account identity.AccountID) error {
	return l.change(ctx, func(t *transaction) error {
		link, err := t.active("l.account_hmac = ?", l.accountKey(account))
		if err != nil || link.ProviderUsed {
			return err
		}
		if _, err := t.exec("UPDATE links SET provider_used_at = ? WHERE id = ?", stamp(t.at), link.ID); err != nil {
			return err
		}
		// Whoever came in by the old password may not be the citizen.
		if err := t.endAccount(account, t.at); err != nil {
			return err
		}
		return t.audit(Event{Name: EventProviderUsed, Actor: actorCitizen, Account: account, CitizenID: link.CitizenID})
	})
}

// Unlink ends an active link; the row stays as history. The account's sessions
// end, and where it was the default, the citizen's oldest other link becomes
// it. ErrNotFound where no active link has the id.
func (l *Ledger) Unlink(ctx context.Context, linkID, reason, actor string) error {
	return l.change(ctx, func(t *transaction) error {
		link, err := t.active("l.id = ?", linkID)
		if err != nil {
			return err
		}
		return t.unlink(link, reason, actor)
	})
}

// SetDefault makes an active link its citizen's default among those for the
// same organisation, or for themselves. ErrNotFound where no
// active link has the id. Whose link it is, the caller has checked.
func (l *Ledger) SetDefault(ctx context.Context, linkID string) error {
	return l.change(ctx, func(t *transaction) error {
		link, err := t.active("l.id = ?", linkID)
		if err != nil || link.Default {
			return err
		}
		if _, err := t.exec("UPDATE links SET is_default = 0 WHERE citizen_id = ? AND organisation_hmac = ? AND is_default = 1",
			link.CitizenID, link.organisation); err != nil {
			return err
		}
		if _, err := t.exec("UPDATE links SET is_default = 1 WHERE id = ?", linkID); err != nil {
			return err
		}
		return t.audit(Event{Name: EventDefaultChanged, Actor: actorCitizen, Account: link.Account, CitizenID: link.CitizenID,
			Detail: map[string]string{"link": linkID}})
	})
}

// active is the one active link that the condition finds, or ErrNotFound.
func (t *transaction) active(condition string, arg any) (Link, error) {
	links, err := t.links(condition, arg)
	if err != nil {
		return Link{}, err
	}
	if len(links) == 0 {
		return Link{}, ErrNotFound
	}
	return links[0], nil
}

// links reads active links and opens what is sealed in them.
func (t *transaction) links(condition string, args ...any) (links []Link, err error) {
	err = t.each(`SELECT l.id, l.citizen_id, l.organisation_hmac, l.key_id, l.sealed, l.kind, l.method, l.strength, l.is_default,
			l.since, l.provider_used_at, u.due_at, c.key_id, c.sealed, n.id, n.key_id, n.sealed
		FROM links l
		LEFT JOIN unlinks u ON u.link_id = l.id AND u.closed_at IS NULL
		JOIN citizens c ON c.id = l.citizen_id
		JOIN identifiers n ON n.citizen_id = l.citizen_id AND n.kind = 'number' AND n.ended_at IS NULL
		WHERE l.ended_at IS NULL AND `+condition+`
		ORDER BY l.is_default DESC, l.since, l.id`, args, func(scan func(...any) error) error {
		var (
			link                  Link
			account, prof, number sealed
			numberID              string
			since                 int64
			providerUsed, due     sql.NullInt64
		)
		if err := scan(&link.ID, &link.CitizenID, &link.organisation, &account.keyID, &account.box, &link.Kind, &link.Method, &link.Strength,
			&link.Default, &since, &providerUsed, &due, &prof.keyID, &prof.box, &numberID, &number.keyID, &number.box); err != nil {
			return err
		}
		link.ForOrganisation = len(link.organisation) > 1
		link.Since, link.ProviderUsed = moment(since), providerUsed.Valid
		if due.Valid {
			link.UnlinkDue = moment(due.Int64)
		}
		if err := t.ledger.openLink(&link, account, prof, numberID, number); err != nil {
			return err
		}
		links = append(links, link)
		return nil
	})
	return links, err
}

func (l *Ledger) openLink(link *Link, account, prof sealed, numberID string, number sealed) error {
	plain, err := l.keys.open("links", link.ID, account)
	if err != nil {
		return err
	}
	link.Account = identity.AccountID(plain)
	p, err := l.openProfile(link.CitizenID, prof)
	if err != nil {
		return err
	}
	link.Name, link.BirthDate = p.Name, p.BirthDate
	if link.IDCard, err = idCardOf(p.IDCard); err != nil {
		return err
	}
	if plain, err = l.keys.open("identifiers", numberID, number); err != nil {
		return err
	}
	link.Number, err = identity.VouchedCitizenNumber(string(plain))
	return err
}
