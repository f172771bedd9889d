package ledger

import (
	"context"
	"encoding/json"
	"net/netip"

	"vneid-proxy/identity"
)

// Event is one audit row. Account, citizen and actor stand in it as
// pseudonyms; actor, source and detail are sealed.
type Event struct {
	Name      string             // what happened, e.g. "linked"; required, in clear
	Actor     string             // who did it: "citizen", or a member of staff; "" is the broker itself
	Account   identity.AccountID // "" where none is concerned
	CitizenID string             // Link.CitizenID; "" where none is concerned
	Source    netip.AddrPort     // where the request came from; zero where unknown
	Detail    map[string]string  // anything else
}

// The events that the ledger writes itself, in the transaction that they tell
// of.
const (
	EventLinked         = "linked"
	EventUnlinked       = "unlinked"
	EventDefaultChanged = "default_changed"
	EventSkipped        = "skipped"
	EventProviderUsed   = "provider_used"
	EventSubjectNoted   = "subject_noted"
	EventNumberChanged  = "number_changed" // its detail has review=true where name or birth date changed too
)

// Audit writes one row.
func (l *Ledger) Audit(ctx context.Context, e Event) error {
	return l.change(ctx, func(t *transaction) error { return t.audit(e) })
}

func (t *transaction) audit(e Event) error {
	if e.Name == "" {
		return ErrIncomplete
	}
	detail := struct {
		Actor  string            `json:"actor,omitempty"`
		Source string            `json:"source,omitempty"`
		Detail map[string]string `json:"detail,omitempty"`
	}{Actor: e.Actor, Detail: e.Detail}
	if e.Source.IsValid() {
		detail.Source = e.Source.String()
	}
	plain, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	id := newID()
	s := t.ledger.keys.seal("audit", id, plain)
	_, err = t.exec(`INSERT INTO audit (id, at, event, actor, account, citizen, key_id, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, id, stamp(t.at), e.Name,
		t.ledger.pseudonymOrNone("actor", e.Actor),
		t.ledger.pseudonymOrNone("account", string(e.Account)),
		t.ledger.pseudonymOrNone("citizen", e.CitizenID), s.keyID, s.box)
	return err
}

func (l *Ledger) pseudonymOrNone(kind, value string) string {
	if value == "" {
		return ""
	}
	return l.Pseudonym(kind, value)
}
