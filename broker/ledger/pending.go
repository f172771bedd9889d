package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/netip"
	"time"

	"vneid-proxy/identity"
)

// NewPending is a match that the population database has not answered: the
// account was proved, the number typed, consent given. Every field without a
// remark is required.
type NewPending struct {
	Account   identity.AccountID
	Kind      identity.Kind
	Number    identity.CitizenNumber
	Name      string             // as the question has it; may be ""
	BirthDate identity.BirthDate // likewise; may be zero
	// ReviewWeak says that staff look at a weak match instead of a link being
	// made of it; may be false.
	ReviewWeak bool
	// IDCard is the account's, where the population database is to say whose it
	// is; zero for none.
	IDCard identity.IDCardNumber
	// Proof is spent with the check, so that it makes one check at most.
	Proof        []byte
	ProofExpires time.Time
	Consent      Consent
	Source       netip.AddrPort // may be zero
}

// Outcome is how a check ended.
type Outcome string

// The outcomes; "" is a check that is still open.
const (
	OutcomeMatched    Outcome = "matched"     // the account is linked
	OutcomeNotMatched Outcome = "not_matched" // the population database said no
	OutcomeConflict   Outcome = "conflict"    // it said yes, but account or number are linked otherwise
)

// Pending is a check. Once it is answered, number, name and birth date stand in
// the link or the review that came of it, and they and the ID-card number are
// empty here.
type Pending struct {
	ID        string
	Account   identity.AccountID
	Kind      identity.Kind
	Number    identity.CitizenNumber
	Name      string
	BirthDate identity.BirthDate
	IDCard    identity.IDCardNumber
	// ReviewWeak is as it was asked for.
	ReviewWeak bool
	Consent    Consent
	Source     netip.AddrPort
	At         time.Time // when it was asked for
	Tries      int       // how often it was claimed
	Outcome    Outcome
	// Reference is a code that a person can read out over the telephone, and
	// that stands in the audit row; "" unless it ended without a link.
	Reference string
	ClosedAt  time.Time // zero while open
}

// question is what is sealed of a check.
type question struct {
	Account   string             `json:"account"`
	Number    string             `json:"number,omitempty"`
	Name      string             `json:"name,omitempty"`
	BirthDate identity.BirthDate `json:"birth_date,omitzero"`
	IDCard    string             `json:"id_card,omitempty"`
	Source    string             `json:"source,omitempty"`
	Review    bool               `json:"review_weak,omitempty"`
}

// AddPending spends the proof and records the check, to be answered later.
// ErrSpent: the proof was used. ErrPending: another check of the account is
// open. ErrAlreadyLinked: the account has a link. In each of these nothing has
// changed, and the proof is not spent.
func (l *Ledger) AddPending(ctx context.Context, n NewPending) (p Pending, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if n.Account == "" || n.Kind == "" || n.Number.IsZero() || n.Consent.Version == "" {
			return ErrIncomplete
		}
		if err := t.spend(PurposeProof, n.Proof, n.ProofExpires); err != nil {
			return err
		}
		key := t.accountKey(n.Account)
		var one int
		if linked, err := t.one("SELECT 1 FROM links WHERE account_hmac IN (?, ?) AND ended_at IS NULL", key.both(), &one); err != nil {
			return err
		} else if linked {
			return ErrAlreadyLinked
		}
		if open, err := t.one("SELECT 1 FROM pending WHERE account_hmac IN (?, ?) AND closed_at IS NULL", key.both(), &one); err != nil {
			return err
		} else if open {
			return ErrPending
		}
		p = Pending{ID: newID(), Account: n.Account, Kind: n.Kind, Number: n.Number, Name: n.Name,
			BirthDate: n.BirthDate, IDCard: n.IDCard, ReviewWeak: n.ReviewWeak, Consent: n.Consent, Source: n.Source, At: t.at}
		s, err := t.sealQuestion(p)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO pending (id, account_hmac, key_id, sealed, kind, consent_version, consent_language,
				at, tries, next_at, outcome, reference) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', '')`,
			p.ID, key.now, s.keyID, s.box, string(p.Kind), p.Consent.Version, p.Consent.Language, stamp(t.at), stamp(t.at)); err != nil {
			return err
		}
		return t.audit(Event{Name: EventCheckAsked, Actor: actorCitizen, Account: n.Account, Source: n.Source,
			Detail: map[string]string{"check": p.ID, "kind": string(n.Kind), "consent": n.Consent.Version, "proof": l.proofName(n.Proof)}})
	})
	return p, err
}

// PendingByAccount returns the account's open check; ErrNotFound where it has
// none. An account may have got a link in another way meanwhile: the link is
// asked for first.
func (l *Ledger) PendingByAccount(ctx context.Context, account identity.AccountID) (Pending, error) {
	return l.firstCheck(ctx, "account_hmac IN (?, ?) AND closed_at IS NULL", account)
}

// AnsweredByAccount returns the account's check that was answered last, for
// the page that tells how it ended; ErrNotFound where none was.
func (l *Ledger) AnsweredByAccount(ctx context.Context, account identity.AccountID) (Pending, error) {
	return l.firstCheck(ctx, "account_hmac IN (?, ?) AND closed_at IS NOT NULL ORDER BY closed_at DESC, id", account)
}

func (l *Ledger) firstCheck(ctx context.Context, condition string, account identity.AccountID) (p Pending, err error) {
	err = l.read(ctx, func(t *transaction) error {
		found, err := t.checks(condition+" LIMIT 1", t.accountKey(account).both()...)
		if err == nil && len(found) == 0 {
			return ErrNotFound
		}
		if err == nil {
			p = found[0]
		}
		return err
	})
	return p, err
}

func (t *transaction) checks(condition string, args ...any) (found []Pending, err error) {
	err = t.each(`SELECT id, key_id, sealed, kind, consent_version, consent_language, at, tries, outcome, reference, closed_at
		FROM pending WHERE `+condition, args, func(scan func(...any) error) error {
		var p Pending
		var s sealed
		var at int64
		var closedAt sql.NullInt64
		if err := scan(&p.ID, &s.keyID, &s.box, &p.Kind, &p.Consent.Version, &p.Consent.Language, &at, &p.Tries,
			&p.Outcome, &p.Reference, &closedAt); err != nil {
			return err
		}
		p.At = moment(at)
		if closedAt.Valid {
			p.ClosedAt = moment(closedAt.Int64)
		}
		if err := t.ledger.openQuestion(&p, s); err != nil {
			return err
		}
		found = append(found, p)
		return nil
	})
	return found, err
}

func (t *transaction) sealQuestion(p Pending) (sealed, error) {
	q := question{Account: string(p.Account), Number: p.Number.Reveal(), Name: p.Name, BirthDate: p.BirthDate, IDCard: p.IDCard.Reveal(), Review: p.ReviewWeak}
	if p.Source.IsValid() {
		q.Source = p.Source.String()
	}
	plain, err := json.Marshal(q)
	if err != nil {
		return sealed{}, err
	}
	return t.ledger.keys.seal("pending", p.ID, plain), nil
}

func (l *Ledger) openQuestion(p *Pending, s sealed) error {
	plain, err := l.keys.open("pending", p.ID, s)
	if err != nil {
		return err
	}
	var q question
	if err := json.Unmarshal(plain, &q); err != nil {
		return err
	}
	p.Account, p.Name, p.BirthDate, p.ReviewWeak = identity.AccountID(q.Account), q.Name, q.BirthDate, q.Review
	if q.Source != "" {
		if p.Source, err = netip.ParseAddrPort(q.Source); err != nil {
			return err
		}
	}
	if p.IDCard, err = idCardOf(q.IDCard); err != nil {
		return err
	}
	if q.Number != "" {
		p.Number, err = identity.VouchedCitizenNumber(q.Number)
	}
	return err
}
