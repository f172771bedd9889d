package ledger

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"net/netip"
	"time"

	"vneid-proxy/identity"
)

// ReviewReason is why staff must look at something.
type ReviewReason string

// The reasons.
const (
	ReviewConflict ReviewReason = "conflict"        // the number or the account is linked otherwise
	ReviewMismatch ReviewReason = "mismatch_review" // the data of both sides name two people
)

// NewReview is a refusal that staff must look at.
type NewReview struct {
	Account identity.AccountID // "" where a citizen's own records contradict each other
	Kind    identity.Kind      // "" without an account
	Reason  ReviewReason       // required
	// Citizen is who was refused: whom the provider vouched for, or, without a
	// subject, the number typed with the account's own data.
	Citizen identity.Citizen
	Source  netip.AddrPort // may be zero
}

// Review is one that waits.
type Review struct {
	ID string
	NewReview
	// Reference is a code that a person can read out over the telephone, and
	// that stands in the audit rows.
	Reference string
	At, Last  time.Time // when it was asked for first, and last
	Times     int       // how often
}

// reviewed is what is sealed of a review.
type reviewed struct {
	Account   string             `json:"account,omitempty"`
	Provider  string             `json:"provider,omitempty"`
	Subject   string             `json:"subject,omitempty"`
	Number    string             `json:"number,omitempty"`
	Name      string             `json:"name,omitempty"`
	BirthDate identity.BirthDate `json:"birth_date,omitzero"`
	Source    string             `json:"source,omitempty"`

	Organisation identity.Organisation `json:"organisation,omitzero"`
}

// AskReview records a refusal and returns its reference. The same person who
// is refused again for the same account and reason has the same reference
// while the review is open; the newest data replace the older ones.
// ErrIncomplete: a required field is missing.
func (l *Ledger) AskReview(ctx context.Context, n NewReview) (reference string, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if reference, err = t.review(n); err != nil {
			return err
		}
		return t.audit(Event{Name: EventReviewAsked, Actor: actorCitizen, Account: n.Account, Source: n.Source,
			Detail: map[string]string{"reason": string(n.Reason), "reference": reference, "provider": n.Citizen.Provider}})
	})
	return reference, err
}

func (t *transaction) review(n NewReview) (reference string, err error) {
	if n.Reason == "" || (n.Account == "") != (n.Kind == "") || n.Account == "" && n.Citizen.Number.IsZero() {
		return "", ErrIncomplete
	}
	plain := reviewed{
		Account: string(n.Account), Provider: n.Citizen.Provider, Subject: n.Citizen.Subject,
		Number: n.Citizen.Number.Reveal(), Name: n.Citizen.Name, BirthDate: n.Citizen.BirthDate,
		Organisation: n.Citizen.Organisation,
	}
	if n.Source.IsValid() {
		plain.Source = n.Source.String()
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return "", err
	}
	l := t.ledger
	who := t.find("review", string(n.Account), string(n.Reason), n.Citizen.Provider, n.Citizen.Subject)
	var id string
	open, err := t.one("SELECT id, reference FROM reviews WHERE who IN (?, ?) AND closed_at IS NULL", who.both(), &id, &reference)
	if err != nil {
		return "", err
	}
	if open {
		s := l.keys.seal("reviews", id, text)
		_, err = t.exec("UPDATE reviews SET key_id = ?, sealed = ?, last_at = ?, times = times + 1 WHERE id = ?",
			s.keyID, s.box, stamp(t.at), id)
		return reference, err
	}
	id, reference = newID(), newReference()
	s := l.keys.seal("reviews", id, text)
	_, err = t.exec(`INSERT INTO reviews (id, who, account_hmac, subject_hmac, key_id, sealed, kind, reason, reference, at, last_at, times, outcome)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, '')`,
		id, who.now, t.accountKey(n.Account).now, t.reviewSubject(n.Citizen).now, s.keyID, s.box, string(n.Kind), string(n.Reason),
		reference, stamp(t.at), stamp(t.at))
	return reference, err
}

// reviewSubject is empty where the account came first.
func (t *transaction) reviewSubject(c identity.Citizen) digest {
	if c.Subject == "" {
		return digest{[]byte{}, []byte{}}
	}
	return t.subjectKey(c)
}

// closeReviews closes what a new link settles: the reviews of the account that
// its holder asked for, or the citizen now linked. Another citizen's claim to
// the account stays open.
func (t *transaction) closeReviews(n NewLink) error {
	account, subject := t.accountKey(n.Account), t.reviewSubject(n.Citizen)
	_, err := t.exec(`UPDATE reviews SET closed_at = ?, outcome = 'linked'
		WHERE account_hmac IN (?, ?) AND subject_hmac IN (?, ?, ?) AND closed_at IS NULL`,
		stamp(t.at), account.now, account.old, []byte{}, subject.now, subject.old)
	return err
}

// Reviews returns the open ones, the oldest first, at most limit of them.
func (l *Ledger) Reviews(ctx context.Context, limit int) (found []Review, err error) {
	err = l.read(ctx, func(t *transaction) error {
		found, err = t.reviews("1 = ?", 1, limit)
		return err
	})
	return found, err
}

// reviews reads the open ones that the condition finds.
func (t *transaction) reviews(condition string, arg any, limit int) (found []Review, err error) {
	err = t.each(`SELECT id, key_id, sealed, kind, reason, reference, at, last_at, times FROM reviews
		WHERE closed_at IS NULL AND `+condition+` ORDER BY at, id LIMIT ?`, []any{arg, limit}, func(scan func(...any) error) error {
		var r Review
		var s sealed
		var at, last int64
		if err := scan(&r.ID, &s.keyID, &s.box, &r.Kind, &r.Reason, &r.Reference, &at, &last, &r.Times); err != nil {
			return err
		}
		r.At, r.Last = moment(at), moment(last)
		if err := t.ledger.readReview(&r, s); err != nil {
			return err
		}
		found = append(found, r)
		return nil
	})
	return found, err
}

func (l *Ledger) readReview(r *Review, s sealed) error {
	plain, err := l.keys.open("reviews", r.ID, s)
	if err != nil {
		return err
	}
	var inside reviewed
	if err := json.Unmarshal(plain, &inside); err != nil {
		return err
	}
	r.Account = identity.AccountID(inside.Account)
	r.Citizen = identity.Citizen{Provider: inside.Provider, Subject: inside.Subject, Name: inside.Name, BirthDate: inside.BirthDate, Organisation: inside.Organisation}
	if inside.Source != "" {
		if r.Source, err = netip.ParseAddrPort(inside.Source); err != nil {
			return err
		}
	}
	if inside.Number != "" {
		r.Citizen.Number, err = identity.VouchedCitizenNumber(inside.Number)
	}
	return err
}

// newReference is 40 random bits without letters that sound or look alike.
func newReference() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	code := base32.NewEncoding("23456789ABCDEFGHJKLMNPQRSTUVWXYZ").EncodeToString(b[:])
	return code[:4] + "-" + code[4:]
}
