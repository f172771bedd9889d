package broker

import (
	"context"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

// LookConfig is what looking at single accounts stands on. All is required.
type LookConfig struct {
	Directory Directory
	Ledger    *ledger.Ledger
	Policy    link.Policy
	At        time.Time
}

// Look says what enforcing makes of one account, from what a sign-in to it
// gathers. A Fault with NoAccount: the directory has none of that id.
func Look(ctx context.Context, c LookConfig, id identity.AccountID) (link.Class, link.Outcome, error) {
	b := &broker{Config{
		Directory: c.Directory, Ledger: c.Ledger, Policy: func() link.Policy { return c.Policy }, Now: func() time.Time { return c.At },
	}}
	found, err := b.see(ctx, id, identity.Citizen{})
	if err != nil {
		return link.Class{}, "", err
	}
	return found.facts.Class, c.Policy.Rehearse(found.facts, c.At), nil
}
