package link

import (
	"slices"

	"vneid-proxy/identity"
)

// Appointed is the policy of a provider that is itself the authority for some
// accounts: an organisation's own, for its officials. It names the account, and
// nothing is linked. The zero value lets nobody in.
type Appointed struct {
	// Kinds of account that it may sign in to. An account of no kind is of none
	// of them.
	Kinds []identity.Kind
}

// Decide says what becomes of somebody for whom the directory found these
// accounts under the name that the provider gave. Of an account that is not the
// provider's to open nothing is told, not even that it is locked.
func (p Appointed) Decide(found []identity.Account) Decision {
	switch {
	case len(found) != 1, found[0].Kind == "", !slices.Contains(p.Kinds, found[0].Kind):
		return Decision{Action: Refuse, Reason: NotAppointed}
	case found[0].Locked:
		return Decision{Action: Refuse, Reason: Locked}
	}
	return Decision{Action: Admit, Standing: identity.StandingNone}
}
