package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Export says which audit rows are wanted.
type Export struct {
	// Since and Until bound the time of the rows, Until exclusive; zero is
	// unbounded. The rows between the first and the last that fit are all given,
	// so that the chain between them has no gap.
	Since, Until time.Time
	// RevealTo is who sees what the rows hold in secret: the name of a member
	// of staff. It is written into the audit before the first row is given. ""
	// reveals nothing.
	RevealTo string
}

// The types of an Exported.
const (
	ExportedRow        = "row"
	ExportedCheckpoint = atCheckpoint
	ExportedHead       = atHead
)

// Exported is one row of the chain, or one signed statement about it. Bytes are
// in hex. docs/audit-export.md says how each hash and signature is made.
type Exported struct {
	Type string `json:"type"`
	Seq  int64  `json:"seq"`  // place in the chain
	At   int64  `json:"at"`   // milliseconds of Unix time
	Time string `json:"time"` // the same as RFC 3339, UTC
	Hash string `json:"hash"`

	// Of a row.
	Written int64     `json:"written,omitempty"` // order of writing
	ID      string    `json:"id,omitempty"`
	Event   string    `json:"event,omitempty"`
	Actor   string    `json:"actor,omitempty"` // pseudonyms
	Account string    `json:"account,omitempty"`
	Citizen string    `json:"citizen,omitempty"`
	DataKey string    `json:"data_key,omitempty"` // id of what opens Sealed
	Sealed  string    `json:"sealed,omitempty"`
	MAC     string    `json:"mac,omitempty"`
	Prev    string    `json:"prev,omitempty"`
	Detail  *Revealed `json:"detail,omitempty"` // nil where nothing is revealed

	// Of a row "" always; of a statement the ledger key beneath the signing one.
	KeyID     string `json:"key_id,omitempty"`
	Signer    string `json:"signer,omitempty"`
	PublicKey string `json:"public_key,omitempty"` // "" where the key is not configured any more
	Signature string `json:"signature,omitempty"`
}

// Revealed is what a row holds in secret.
type Revealed struct {
	Erased bool              `json:"erased,omitempty"` // its key was destroyed
	Actor  string            `json:"actor,omitempty"`
	Source string            `json:"source,omitempty"` // address and port; port 0 where only the address is known
	Detail map[string]string `json:"detail,omitempty"`
}

// ExportAudit gives the chained rows in their order on one snapshot, each
// checkpoint among them after its row, that on which the first row stands
// before it, and last the head where the last row is the chain's. Rows that
// await sealing are not given.
func (l *Ledger) ExportAudit(ctx context.Context, e Export, give func(Exported) error) error {
	if e.RevealTo != "" {
		detail := map[string]string{}
		for name, at := range map[string]time.Time{"since": e.Since, "until": e.Until} {
			if !at.IsZero() {
				detail[name] = at.UTC().Format(time.RFC3339)
			}
		}
		if err := l.Audit(ctx, Event{Name: EventRevealed, Actor: e.RevealTo, Detail: detail}); err != nil {
			return err
		}
	}
	return l.read(ctx, func(t *transaction) error { return t.export(e, give) })
}

func (t *transaction) export(e Export, give func(Exported) error) error {
	first, last, err := t.exportRange(e)
	if err != nil {
		return err
	}
	keys, err := t.auditKeys()
	if err != nil {
		return err
	}
	if err := t.exportStatement(atCheckpoint, "WHERE seq = ?", []any{first - 1}, give); err != nil {
		return err
	}
	err = t.each("SELECT "+chainColumns+`, c.seq IS NOT NULL, COALESCE(c.at, 0), c.hash, COALESCE(c.key_id, ''),
			COALESCE(c.signer, ''), c.signature
		FROM audit a LEFT JOIN audit_checkpoints c ON c.seq = a.chain_seq
		WHERE a.chain_seq BETWEEN ? AND ? ORDER BY a.chain_seq`, []any{first, last}, func(scan func(...any) error) error {
		var r auditRow
		var hasCheckpoint bool
		c := statement{about: atCheckpoint}
		if err := scan(append(r.chainFields(), &hasCheckpoint, &c.at, &c.hash, &c.keyID, &c.signer, &c.signature)...); err != nil {
			return err
		}
		row, err := t.exportRow(r, e.RevealTo != "", keys)
		if err != nil {
			return err
		}
		if err := give(row); err != nil || !hasCheckpoint {
			return err
		}
		c.seq = r.chainSeq
		return give(t.ledger.keys.exported(c))
	})
	if err != nil {
		return err
	}
	return t.exportStatement(atHead, "WHERE seq = ?", []any{last}, give)
}

// exportRange is where the wanted rows begin and end in the chain; first is
// greater than last where there are none.
func (t *transaction) exportRange(e Export) (first, last int64, err error) {
	since, until := int64(-1<<62), int64(1<<62)
	if !e.Since.IsZero() {
		since = stamp(e.Since)
	}
	if !e.Until.IsZero() {
		until = stamp(e.Until)
	}
	_, err = t.one("SELECT COALESCE(MIN(chain_seq), 0), COALESCE(MAX(chain_seq), -1) FROM audit WHERE chain_seq IS NOT NULL AND at >= ? AND at < ?",
		[]any{since, until}, &first, &last)
	return first, last, err
}

func (t *transaction) exportStatement(about, condition string, args []any, give func(Exported) error) error {
	table := "audit_checkpoints"
	if about == atHead {
		table = "audit_head"
	}
	s := statement{about: about}
	found, err := t.one("SELECT seq, at, hash, key_id, signer, signature FROM "+table+" "+condition, args, s.fields()...)
	if err != nil || !found {
		return err
	}
	return give(t.ledger.keys.exported(s))
}

func (t *transaction) exportRow(r auditRow, reveal bool, keys auditKeys) (Exported, error) {
	e := Exported{
		Type: ExportedRow, Seq: r.chainSeq, At: r.at, Time: utc(r.at), Hash: hex.EncodeToString(r.hash),
		Written: r.seq, ID: r.id, Event: r.event, Actor: r.actor, Account: r.account, Citizen: r.citizen, KeyID: r.keyID,
		DataKey: r.dataKey, Sealed: hex.EncodeToString(r.sealed), MAC: hex.EncodeToString(r.mac), Prev: hex.EncodeToString(r.prev),
	}
	if !reveal {
		return e, nil
	}
	d, err := keys.detail(t.ledger.keys, r)
	switch {
	case errors.Is(err, errErased):
		e.Detail = &Revealed{Erased: true}
	case err != nil:
		return e, err
	default:
		e.Detail = &Revealed{Actor: d.Actor, Source: d.Source, Detail: d.Detail}
	}
	return e, nil
}

func (k *keyring) exported(s statement) Exported {
	e := Exported{
		Type: s.about, Seq: s.seq, At: s.at, Time: utc(s.at), Hash: hex.EncodeToString(s.hash),
		KeyID: s.keyID, Signer: s.signer, Signature: hex.EncodeToString(s.signature),
	}
	if key, ok := k.signers[s.keyID]; ok {
		e.PublicKey = hex.EncodeToString(publicKey(key))
	}
	return e
}

func utc(at int64) string { return moment(at).UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// auditKeys are the keys of audit rows by their id, as they lie; one that was
// destroyed has no key id.
type auditKeys map[string]sealed

func (t *transaction) auditKeys() (auditKeys, error) {
	keys := make(auditKeys)
	return keys, t.each("SELECT id, key_id, sealed FROM audit_keys", nil, func(scan func(...any) error) error {
		var id string
		var s sealed
		err := scan(&id, &s.keyID, &s.box)
		keys[id] = s
		return err
	})
}

var errErased = errors.New("the audit row's key is destroyed")

// detail opens an audit row; errErased where nobody can any more.
func (k auditKeys) detail(ring *keyring, r auditRow) (d detail, err error) {
	s, known := k[r.dataKey]
	if !known {
		return d, fmt.Errorf("audit: there is no data key %q", r.dataKey)
	}
	if s.keyID == "" {
		return d, errErased
	}
	raw, err := ring.open("audit_keys", r.dataKey, s)
	if err != nil {
		return d, err
	}
	key, err := newDataKey(r.dataKey, raw)
	if err != nil {
		return d, err
	}
	plain, err := key.open(r)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(plain, &d)
}
