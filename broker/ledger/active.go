package ledger

import (
	"context"
	"database/sql"
	"encoding/json"

	"vneid-proxy/identity"
)

// ActiveByAccount returns the account's link; ErrNotFound where it has none.
func (l *Ledger) ActiveByAccount(ctx context.Context, account identity.AccountID) (link Link, err error) {
	err = l.read(ctx, func(t *transaction) error {
		link, err = t.active("l.account_hmac IN (?, ?)", t.accountKey(account).both()...)
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
		links, err = t.linksFor(id, t.organisationKey(citizen.Organisation))
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
func (t *transaction) linksFor(citizenID string, organisation digest) ([]Link, error) {
	return t.links("l.citizen_id = ? AND l.organisation_hmac IN (?, ?)", citizenID, organisation.now, organisation.old)
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
		link, err := t.active("l.account_hmac IN (?, ?)", t.accountKey(account).both()...)
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
		if _, err := t.exec("UPDATE links SET is_default = 0 WHERE citizen_id = ? AND organisation_hmac IN (?, ?) AND is_default = 1",
			link.CitizenID, link.organisation.now, link.organisation.old); err != nil {
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
func (t *transaction) active(condition string, args ...any) (Link, error) {
	links, err := t.links(condition, args...)
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
			organisation          []byte
			numberID              string
			since                 int64
			providerUsed, due     sql.NullInt64
		)
		if err := scan(&link.ID, &link.CitizenID, &organisation, &account.keyID, &account.box, &link.Kind, &link.Method, &link.Strength,
			&link.Default, &since, &providerUsed, &due, &prof.keyID, &prof.box, &numberID, &number.keyID, &number.box); err != nil {
			return err
		}
		link.ForOrganisation = len(organisation) > 1
		link.Since, link.ProviderUsed = moment(since), providerUsed.Valid
		if due.Valid {
			link.UnlinkDue = moment(due.Int64)
		}
		if err := t.openLink(&link, organisation, account, prof, numberID, number); err != nil {
			return err
		}
		links = append(links, link)
		return nil
	})
	return links, err
}

func (t *transaction) openLink(link *Link, organisation []byte, account, prof sealed, numberID string, number sealed) error {
	l := t.ledger
	inside, err := l.openParties(link.ID, organisation, account)
	if err != nil {
		return err
	}
	link.Account, link.organisation = identity.AccountID(inside.Account), t.organisationOf(inside, organisation)
	p, err := l.openProfile(link.CitizenID, prof)
	if err != nil {
		return err
	}
	link.Name, link.BirthDate = p.Name, p.BirthDate
	if link.IDCard, err = idCardOf(p.IDCard); err != nil {
		return err
	}
	plain, err := l.keys.open("identifiers", numberID, number)
	if err != nil {
		return err
	}
	link.Number, err = identity.VouchedCitizenNumber(string(plain))
	return err
}

// parties are what is sealed of a link: the account, and whom it is opened for.
type parties struct {
	Account      string `json:"account"`
	Organisation string `json:"organisation,omitempty"`
}

// sealParties seals the account alone where it is opened for nobody else.
func (l *Ledger) sealParties(linkID string, account identity.AccountID, o identity.Organisation) (sealed, error) {
	plain := []byte(account)
	if !o.IsZero() {
		var err error
		if plain, err = json.Marshal(parties{string(account), o.ID}); err != nil {
			return sealed{}, err
		}
	}
	return l.keys.seal("links", linkID, plain), nil
}

// openParties tells both forms apart by the organisation's hash.
func (l *Ledger) openParties(linkID string, organisation []byte, s sealed) (p parties, err error) {
	plain, err := l.keys.open("links", linkID, s)
	if err != nil {
		return p, err
	}
	if len(organisation) > 1 && json.Unmarshal(plain, &p) == nil && p.Organisation != "" {
		return p, nil
	}
	return parties{Account: string(plain)}, nil
}

// organisationOf is by what the link's organisation is found: as the row has it
// where the row does not say which it is.
func (t *transaction) organisationOf(p parties, row []byte) digest {
	if p.Organisation == "" {
		return digest{row, row}
	}
	return t.organisationKey(identity.Organisation{ID: p.Organisation})
}
