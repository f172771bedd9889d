package ledger

import (
	"context"

	"vneid-proxy/identity"
)

// NoteIDCard records that the population database says of an ID-card number
// that it is the citizen's of a link (Link.CitizenID). Of several the last
// counts. ErrIncomplete: a field is missing. ErrNotFound: there is no such
// citizen.
func (l *Ledger) NoteIDCard(ctx context.Context, citizenID string, card identity.IDCardNumber) error {
	return l.change(ctx, func(t *transaction) error {
		if citizenID == "" || card.IsZero() {
			return ErrIncomplete
		}
		return t.noteIDCard(citizenID, card)
	})
}

// noteIDCard does nothing where there is nothing to note, or it stands there.
func (t *transaction) noteIDCard(citizenID string, card identity.IDCardNumber) error {
	if card.IsZero() {
		return nil
	}
	var s sealed
	found, err := t.one("SELECT key_id, sealed FROM citizens WHERE id = ?", []any{citizenID}, &s.keyID, &s.box)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	p, err := t.ledger.openProfile(citizenID, s)
	if err != nil || p.IDCard == card.Reveal() {
		return err
	}
	p.IDCard = card.Reveal()
	if s, err = t.sealProfile(citizenID, p); err != nil {
		return err
	}
	if _, err := t.exec("UPDATE citizens SET key_id = ?, sealed = ? WHERE id = ?", s.keyID, s.box, citizenID); err != nil {
		return err
	}
	return t.audit(Event{Name: EventIDCardNoted, CitizenID: citizenID})
}

// idCardOf reads what was sealed; "" is none.
func idCardOf(digits string) (identity.IDCardNumber, error) {
	if digits == "" {
		return identity.IDCardNumber{}, nil
	}
	return identity.ParseIDCardNumber(digits)
}
