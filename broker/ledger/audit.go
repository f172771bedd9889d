package ledger

import (
	"context"
	"encoding/json"
	"net/netip"

	"vneid-proxy/identity"
)

// Event is one audit row. Account, citizen and actor stand in it as
// pseudonyms; actor, source and detail are sealed, under a key of the
// citizen's where one is concerned.
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
	EventLinked          = "linked"
	EventUnlinked        = "unlinked"
	EventUnlinkAsked     = "unlink_asked" // its detail has due
	EventUnlinkWithdrawn = "unlink_withdrawn"
	EventDefaultChanged  = "default_changed"
	EventSkipped         = "skipped"
	EventProviderUsed    = "provider_used"
	EventSubjectNoted    = "subject_noted"
	EventNumberChanged   = "number_changed"    // its detail has review=true where name or birth date changed too
	EventReviewAsked     = "review_asked"      // somebody was refused, and staff must look: reason, reference
	EventReviewVoted     = "review_voted"      // an officer's vote: reference, decision, note
	EventReviewDecided   = "review_decided"    // two agree: reference, decision
	EventCheckAsked      = "check_asked"       // a check is pending
	EventCheckAnswered   = "check_answered"    // its detail has outcome and, unless matched, reference
	EventExempted        = "exempted"          // or extended: its detail has kind, reason and until
	EventExemptionEnded  = "exemption_ended"   // before its time, or because of another in its place
	EventWriteBack       = "write_back_closed" // its detail has link, outcome and, where refused, reference
	EventRevealed        = "revealed"          // an officer is shown what is personal
	EventCleanGivenUp    = "clean_given_up"    // staff hold that an account cannot be cleaned; no reason in its detail: they take that back
	EventCitizenErased   = "citizen_erased"
	EventRekeyed         = "ledger_rekeyed" // all is sealed under another key; its detail has the id
	EventIndexMoved      = "index_moved"    // rows are found by another index key from now on; its detail has both ids
	EventAuditDropped    = "audit_dropped"  // rows past their time went; its detail has the last one's number
	EventIDCardNoted     = "id_card_noted"  // the population database says that an ID-card number is the citizen's
)

// Audit writes one row.
func (l *Ledger) Audit(ctx context.Context, e Event) error {
	return l.touch(ctx, func(t *transaction) error { return t.audit(e) })
}

func (t *transaction) audit(e Event) error { return t.auditUnder(e.CitizenID, e) }

// auditUnder writes a row that the key of one citizen seals, "" being the
// ledger's own.
func (t *transaction) auditUnder(citizenID string, e Event) error {
	if e.Name == "" {
		return ErrIncomplete
	}
	d := detail{Actor: e.Actor, Detail: e.Detail}
	if e.Source.IsValid() {
		d.Source = e.Source.String()
	}
	plain, err := json.Marshal(d)
	if err != nil {
		return err
	}
	key, err := t.dataKey(citizenID)
	if err != nil {
		return err
	}
	l := t.ledger
	r := auditRow{
		id: newID(), at: stamp(t.at), event: e.Name,
		actor:   l.pseudonymOrNone("actor", e.Actor),
		account: l.pseudonymOrNone("account", string(e.Account)),
		citizen: l.pseudonymOrNone("citizen", e.CitizenID),
		dataKey: key.id,
	}
	r.sealed = key.seal(r.id, plain)
	_, err = t.exec(`INSERT INTO audit (id, at, event, actor, account, citizen, key_id, data_key, sealed, mac)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, r.at, r.event, r.actor, r.account, r.citizen, r.keyID, r.dataKey, r.sealed, l.own.mac(r))
	return err
}

// detail is what is sealed of an event.
type detail struct {
	Actor  string            `json:"actor,omitempty"`
	Source string            `json:"source,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

func (l *Ledger) pseudonymOrNone(kind, value string) string {
	if value == "" {
		return ""
	}
	return l.Pseudonym(kind, value)
}
