package ledger

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"vneid-proxy/identity"
)

// CleanState is what the clean-up knows of an account beyond what stands in the
// directory.
type CleanState string

// The states. "" is an account that nothing is known of, or whose data were
// others when it was asked about.
const (
	CleanAsking     CleanState = "asking"            // it was being asked about; there is no answer yet
	CleanConfirmed  CleanState = "confirmed"         // number, name and birth date are one person's; nobody is linked by that
	CleanNotMatched CleanState = "not_matched"       // they are not
	CleanUnanswered CleanState = "unanswered"        // asked without an answer
	CleanHopeless   CleanState = "cannot_be_cleaned" // staff have looked, and gave up
)

// cleanReady is how the counts call an account that can be asked about and was
// not.
const cleanReady CleanState = "ready"

// CleanQuestion is what is asked about an account. Every field is required to
// ask; Account alone to look.
type CleanQuestion struct {
	Account   identity.AccountID
	Number    identity.CitizenNumber
	Name      string // in the State's form
	BirthDate identity.BirthDate
	Cohort    string // under which the account is counted
}

// Cleaned is what the ledger holds of an account.
type Cleaned struct {
	State  CleanState
	Linked bool // it has an active link
}

// Cleaned looks many accounts up at once and answers in their order. At most a
// few hundred should be asked in one call: it is one statement.
func (l *Ledger) Cleaned(ctx context.Context, questions []CleanQuestion) (found []Cleaned, err error) {
	found = make([]Cleaned, len(questions))
	if len(questions) == 0 {
		return found, nil
	}
	err = l.read(ctx, func(t *transaction) error {
		accounts := make([]identity.AccountID, len(questions))
		for i, q := range questions {
			accounts[i] = q.Account
		}
		keys, place := t.accountKeys(accounts)
		among := " IN (?" + strings.Repeat(", ?", len(keys)-1) + ")"
		if err := t.each("SELECT account_hmac FROM links WHERE ended_at IS NULL AND account_hmac"+among, keys, func(scan func(...any) error) error {
			var key []byte
			err := scan(&key)
			for _, i := range place[string(key)] {
				found[i].Linked = true
			}
			return err
		}); err != nil {
			return err
		}
		return t.each("SELECT account_hmac, question_hmac, state FROM clean_states WHERE account_hmac"+among, keys, func(scan func(...any) error) error {
			var key, asked []byte
			var state CleanState
			err := scan(&key, &asked, &state)
			for _, i := range place[string(key)] {
				if state == CleanHopeless || t.cleanKey(questions[i]).is(asked) {
					found[i].State = state
				}
			}
			return err
		})
	})
	return found, err
}

// CleanAsk is who asks, and how much may be asked.
type CleanAsk struct {
	Run string // names the run; another run's question is left alone for Lease
	// Lease is how long a question that has no answer counts as being asked by
	// its run; longer than a call may take.
	Lease time.Duration
	// PerDay is how many questions may be asked in all until Until; 0 is any
	// number.
	PerDay int
	Until  time.Time
}

// AskClean records that an account is about to be asked about and returns ""
// once that is on disk. It returns the account's state where there is nothing
// to ask: the same question is answered, or staff gave the account up.
// ErrPending: another run asks, or did a moment ago, or this one has asked
// about the account with other data. ErrSpent: the day's questions are used
// up. ErrIncomplete: a field is missing.
func (l *Ledger) AskClean(ctx context.Context, q CleanQuestion, a CleanAsk) (state CleanState, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if q.Account == "" || q.Number.IsZero() || q.Name == "" || q.BirthDate.IsZero() || q.Cohort == "" || a.Run == "" {
			return ErrIncomplete
		}
		key, question := t.accountKey(q.Account), t.cleanKey(q)
		var asked []byte
		var run string
		var tries, at int64
		found, err := t.one("SELECT question_hmac, state, run, tries, at FROM clean_states WHERE account_hmac IN (?, ?)", key.both(),
			&asked, &state, &run, &tries, &at)
		if err != nil {
			return err
		}
		same := found && question.is(asked)
		switch {
		case state == CleanHopeless, same && (state == CleanConfirmed || state == CleanNotMatched):
			return nil
		case state == CleanAsking && run != a.Run && t.at.Before(moment(at).Add(a.Lease)),
			found && !same && run == a.Run: // two rows of the directory under one id would take turns for ever
			return ErrPending
		}
		if a.PerDay > 0 {
			if spent, _, err := t.raise("clean", []byte("day"), a.Until); err != nil {
				return err
			} else if spent > a.PerDay {
				return ErrSpent
			}
		}
		if !same {
			if err := t.moveClean(cleanReady, CleanUnanswered, q.Cohort); err != nil {
				return err
			}
			tries = 0
		}
		state = ""
		return t.putClean(q, CleanAsking, a.Run, tries+1, sealedClean{Account: string(q.Account)})
	})
	return state, err
}

// AnswerClean records how a question ended: CleanConfirmed, CleanNotMatched or
// CleanUnanswered. An account that was given up meanwhile, or asked about with
// other data, stays as it is.
func (l *Ledger) AnswerClean(ctx context.Context, q CleanQuestion, state CleanState) error {
	return l.change(ctx, func(t *transaction) error {
		if state != CleanConfirmed && state != CleanNotMatched && state != CleanUnanswered {
			return ErrIncomplete
		}
		answered, err := t.exec("UPDATE clean_states SET state = ?, at = ? WHERE account_hmac IN (?, ?) AND question_hmac IN (?, ?) AND state = 'asking'",
			append(append([]any{string(state), stamp(t.at)}, t.accountKey(q.Account).both()...), t.cleanKey(q).both()...)...)
		if err != nil || answered == 0 || state == CleanUnanswered {
			return err
		}
		return t.moveClean(CleanUnanswered, state, q.Cohort)
	})
}

// GiveUpClean records that an account cannot be cleaned, with its audit row:
// it is not asked about any more. An empty reason takes that back; ErrNotFound
// where there is nothing to take back. ErrIncomplete: another field is missing.
func (l *Ledger) GiveUpClean(ctx context.Context, account identity.AccountID, cohort, officer, reason string) error {
	return l.change(ctx, func(t *transaction) error {
		if account == "" || cohort == "" || officer == "" {
			return ErrIncomplete
		}
		if reason == "" {
			if taken, err := t.exec("DELETE FROM clean_states WHERE account_hmac IN (?, ?) AND state = 'cannot_be_cleaned'", t.accountKey(account).both()...); err != nil {
				return err
			} else if taken == 0 {
				return ErrNotFound
			}
		} else if err := t.putClean(CleanQuestion{Account: account, Cohort: cohort}, CleanHopeless, "", 0,
			sealedClean{Account: string(account), Reason: reason, Officer: officer}); err != nil {
			return err
		}
		return t.audit(Event{Name: EventCleanGivenUp, Actor: officer, Account: account, Detail: map[string]string{"reason": reason}})
	})
}

// sealedClean is what is sealed of a state.
type sealedClean struct {
	Account string `json:"account"`
	Reason  string `json:"reason,omitempty"`
	Officer string `json:"officer,omitempty"`
}

func (t *transaction) putClean(q CleanQuestion, state CleanState, run string, tries int64, inside sealedClean) error {
	account, question := t.accountKey(q.Account), []byte{}
	if !q.Number.IsZero() {
		question = t.cleanKey(q).now
	}
	if t.index.old != nil { // the row under the older key gives way to this one
		if _, err := t.exec("DELETE FROM clean_states WHERE account_hmac = ?", account.old); err != nil {
			return err
		}
	}
	key := account.now
	plain, err := json.Marshal(inside)
	if err != nil {
		return err
	}
	s := t.ledger.keys.seal("clean_states", string(key), plain)
	_, err = t.exec(`INSERT INTO clean_states (account_hmac, key_id, sealed, question_hmac, state, cohort, run, tries, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account_hmac) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, question_hmac = excluded.question_hmac,
			state = excluded.state, cohort = excluded.cohort, run = excluded.run, tries = excluded.tries, at = excluded.at`,
		key, s.keyID, s.box, question, string(state), q.Cohort, run, tries, stamp(t.at))
	return err
}

func (t *transaction) cleanKey(q CleanQuestion) digest {
	return t.find("clean question", q.Number.Reveal(), q.Name, q.BirthDate.String())
}
