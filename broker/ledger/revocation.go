package ledger

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"vneid-proxy/identity"
)

// kind is what a revocation ends.
type kind string

const (
	endedSession kind = "session" // value: the session's id
	endedSID     kind = "sid"     // provider and its session id
	endedSubject kind = "subject" // provider and subject
	endedAccount kind = "account" // the account's id
	changed      kind = "changed" // the account's id: its standing is to be read anew
)

// entry is what a revocation is about; in memory it is the key of the look-up,
// at rest provider and value are sealed.
type entry struct {
	kind            kind
	provider, value string
}

// forever is the "before" of what ends whenever it began.
var forever = time.UnixMilli(1<<62 - 1)

// EndSession ends one session. Until is when the last session that it may
// concern lapses by itself, here and in the calls below: the revocation is
// kept so long.
func (l *Ledger) EndSession(ctx context.Context, sessionID []byte, until time.Time) error {
	return l.end(ctx, entry{kind: endedSession, value: string(sessionID)}, forever, until)
}

// EndSessionsBySID ends the sessions that a provider names by its own session
// id (OpenID Connect Back-Channel Logout 1.0, 2.4, sid).
func (l *Ledger) EndSessionsBySID(ctx context.Context, provider, sid string, until time.Time) error {
	return l.end(ctx, entry{endedSID, provider, sid}, forever, until)
}

// EndSessionsOfSubject ends the sessions of a provider's subject that began
// before a time.
func (l *Ledger) EndSessionsOfSubject(ctx context.Context, provider, subject string, before, until time.Time) error {
	return l.end(ctx, entry{endedSubject, provider, subject}, before, until)
}

// EndSessionsOfAccount ends the sessions of an account that began before a
// time.
func (l *Ledger) EndSessionsOfAccount(ctx context.Context, account identity.AccountID, before, until time.Time) error {
	return l.end(ctx, entry{kind: endedAccount, value: string(account)}, before, until)
}

// ProviderLogout is a provider's notice that sessions have ended.
type ProviderLogout struct {
	Provider string
	SID      string // the provider's session; "" for all of Subject's
	Subject  string
	Before   time.Time // of Subject's, those that began before it
	ID       string    // the notice's own id, good once
	Expires  time.Time // when the notice is void and ID may be forgotten
	Until    time.Time // as in EndSession
}

// EndByProvider ends what a notice names. Its id is spent in the same
// transaction, so that a provider that was told of a fault may send it again:
// ErrSpent where it was acted on before.
func (l *Ledger) EndByProvider(ctx context.Context, p ProviderLogout) error {
	return l.touch(ctx, func(t *transaction) error {
		if err := t.spend(PurposeJTI, []byte(p.Provider+"\x00"+p.ID), p.Expires); err != nil {
			return err
		}
		if p.SID != "" {
			return t.revoke(entry{endedSID, p.Provider, p.SID}, forever, p.Until)
		}
		return t.revoke(entry{endedSubject, p.Provider, p.Subject}, p.Before, p.Until)
	})
}

// AccountChanged says that the account's standing is another since at: whoever
// read it earlier reads it anew.
func (l *Ledger) AccountChanged(ctx context.Context, account identity.AccountID, at, until time.Time) error {
	return l.end(ctx, entry{kind: changed, value: string(account)}, at, until)
}

func (l *Ledger) end(ctx context.Context, e entry, before, until time.Time) error {
	return l.touch(ctx, func(t *transaction) error { return t.revoke(e, before, until) })
}

func (t *transaction) revoke(e entry, before, until time.Time) error {
	if e.value == "" {
		return ErrIncomplete
	}
	var seq int64
	if _, err := t.one("UPDATE sequences SET value = value + 1 WHERE name = 'revocations' RETURNING value", nil, &seq); err != nil {
		return err
	}
	plain, err := json.Marshal(sealedEntry{e.provider, []byte(e.value)})
	if err != nil {
		return err
	}
	s := t.ledger.keys.seal("revocations", strconv.FormatInt(seq, 10), plain)
	t.revoked = true
	_, err = t.exec("INSERT INTO revocations (seq, kind, key_id, sealed, before_at, until_at) VALUES (?, ?, ?, ?, ?, ?)",
		seq, string(e.kind), s.keyID, s.box, stamp(before), stamp(until))
	return err
}

// sealedEntry has the value as bytes: a session's id is no text.
type sealedEntry struct {
	Provider string `json:"provider,omitempty"`
	Value    []byte `json:"value"`
}

func (l *Ledger) openEntry(seq int64, k string, s sealed) (entry, error) {
	plain, err := l.keys.open("revocations", strconv.FormatInt(seq, 10), s)
	if err != nil {
		return entry{}, err
	}
	var e sealedEntry
	if err := json.Unmarshal(plain, &e); err != nil {
		return entry{}, err
	}
	return entry{kind(k), e.Provider, string(e.Value)}, nil
}
