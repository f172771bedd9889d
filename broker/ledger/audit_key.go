package ledger

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// dataKey seals the details of audit rows: one for each citizen whom a row
// concerned, and the ledger's own. Rows are sealed under these and not under
// the ledger's keys, so that neither erasing a citizen nor changing the
// ledger's keys touches a row that is chained.
type dataKey struct {
	id     string
	aead   cipher.AEAD
	macKey []byte
}

func newDataKey(id string, raw []byte) (*dataKey, error) {
	block, err := aes.NewCipher(derive(raw, "audit detail"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &dataKey{id, aead, derive(raw, "audit mac")}, nil
}

func (k *dataKey) seal(row string, plain []byte) []byte {
	return k.aead.Seal(nil, nil, plain, place("audit", row))
}

func (k *dataKey) open(r auditRow) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, r.sealed, place("audit", r.id))
	if err != nil {
		return nil, fmt.Errorf("audit: a sealed value does not open under data key %s", k.id)
	}
	return plain, nil
}

// dataKey finds a citizen's key or makes it, "" being the ledger's own.
func (t *transaction) dataKey(citizenID string) (*dataKey, error) {
	if citizenID == "" && t.ledger.own != nil {
		return t.ledger.own, nil
	}
	var id string
	var s sealed
	found, err := t.one("SELECT id, key_id, sealed FROM audit_keys WHERE citizen_id = ? AND destroyed_at IS NULL",
		[]any{citizenID}, &id, &s.keyID, &s.box)
	if err != nil {
		return nil, err
	}
	if found {
		raw, err := t.ledger.keys.open("audit_keys", id, s)
		if err != nil {
			return nil, err
		}
		return newDataKey(id, raw)
	}
	id = newID()
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails, crypto/rand
	s = t.ledger.keys.seal("audit_keys", id, raw)
	if _, err := t.exec("INSERT INTO audit_keys (id, citizen_id, key_id, sealed, created_at) VALUES (?, ?, ?, ?, ?)",
		id, citizenID, s.keyID, s.box, stamp(t.at)); err != nil {
		return nil, err
	}
	return newDataKey(id, raw)
}

// EraseCitizen destroys the key that opens what the audit rows hold of a
// citizen. The rows stay, pseudonymous, and the chain still verifies; rows
// written later get another key. It does not touch the citizen's links or
// profile, and copies of the ledger made earlier still hold the key,
// and so does PostgreSQL's own log for as long as it is kept.
// Who did it and why stands in the audit. ErrNotFound where there is no such
// key; ErrIncomplete where a value is missing.
func (l *Ledger) EraseCitizen(ctx context.Context, citizenID, actor, reason string) error {
	err := l.change(ctx, func(t *transaction) error {
		if citizenID == "" || actor == "" || reason == "" {
			return ErrIncomplete
		}
		rows, err := t.exec("UPDATE audit_keys SET key_id = '', sealed = ?, destroyed_at = ? WHERE citizen_id = ? AND destroyed_at IS NULL",
			[]byte{}, stamp(t.at), citizenID)
		if err == nil && rows == 0 {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.auditUnder("", Event{Name: EventCitizenErased, Actor: actor, CitizenID: citizenID, Detail: map[string]string{"reason": reason}})
	})
	if err != nil {
		return err
	}
	if err := l.db.forget(ctx); err != nil {
		l.config.Logger.Warn("the ledger may hold an erased key a while longer", "error", err)
	}
	return nil
}
