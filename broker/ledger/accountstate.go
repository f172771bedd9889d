package ledger

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"vneid-proxy/identity"
)

// AccountState is what the ledger holds of one account, as far as a policy asks.
type AccountState struct {
	Linked       bool // it has an active link
	ProviderUsed bool // somebody has signed in to it by the provider
	// Unlinked says that it has no link now and once had one, which somebody or
	// a decision ended.
	Unlinked bool
	Pending  bool // a check awaits its answer
	Skips    int  // that stand for it
	// ExemptUntil and ExtendedUntil are when its exemption or its extension
	// ends, which may have passed; zero is none.
	ExemptUntil, ExtendedUntil time.Time
}

// AccountStates are those of the accounts, in their order and in one snapshot; of an
// account that the ledger knows nothing of, the zero AccountState. They are looked up
// together: a few hundred at once is a good number, 10,000 the most.
func (l *Ledger) AccountStates(ctx context.Context, accounts []identity.AccountID) ([]AccountState, error) {
	states := make([]AccountState, len(accounts))
	if len(accounts) == 0 {
		return states, nil
	}
	err := l.read(ctx, func(t *transaction) error {
		clear(states)
		keys, place := t.accountKeys(accounts)
		return t.states(states, "account_hmac IN (?"+strings.Repeat(", ?", len(keys)-1)+")", keys, place)
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

// accountKeys are what the accounts are found by, and at which places each
// stands.
func (t *transaction) accountKeys(accounts []identity.AccountID) (keys []any, places map[string][]int) {
	places = make(map[string][]int, len(accounts))
	for i, account := range accounts {
		key := t.accountKey(account)
		keys = append(keys, key.now)
		places[string(key.now)] = append(places[string(key.now)], i)
		if t.index.old != nil {
			keys = append(keys, key.old)
			places[string(key.old)] = append(places[string(key.old)], i)
		}
	}
	return keys, places
}

func (t *transaction) states(states []AccountState, among string, keys []any, place map[string][]int) error {
	at := func(key []byte, set func(*AccountState)) {
		for _, i := range place[string(key)] {
			set(&states[i])
		}
	}
	if err := t.each("SELECT account_hmac FROM links WHERE ended_at IS NOT NULL AND "+among, keys, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		at(key, func(s *AccountState) { s.Unlinked = true })
		return err
	}); err != nil {
		return err
	}
	if err := t.each("SELECT account_hmac, provider_used_at FROM links WHERE ended_at IS NULL AND "+among, keys, func(scan func(...any) error) error {
		var key []byte
		var used sql.NullInt64
		err := scan(&key, &used)
		at(key, func(s *AccountState) { s.Linked, s.Unlinked, s.ProviderUsed = true, false, used.Valid })
		return err
	}); err != nil {
		return err
	}
	if err := t.each("SELECT account_hmac FROM pending WHERE closed_at IS NULL AND "+among, keys, func(scan func(...any) error) error {
		var key []byte
		err := scan(&key)
		at(key, func(s *AccountState) { s.Pending = true })
		return err
	}); err != nil {
		return err
	}
	if err := t.each("SELECT account_hmac, COUNT(*) FROM skips WHERE closed_at IS NULL AND "+among+" GROUP BY account_hmac", keys, func(scan func(...any) error) error {
		var key []byte
		var count int
		err := scan(&key, &count)
		at(key, func(s *AccountState) { s.Skips += count })
		return err
	}); err != nil {
		return err
	}
	return t.exemptions(among, keys, func(key []byte, e Exemption) error {
		at(key, func(s *AccountState) {
			if e.Extension {
				s.ExtendedUntil = e.Until
			} else {
				s.ExemptUntil = e.Until
			}
		})
		return nil
	})
}
