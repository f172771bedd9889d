package broker

import (
	"context"
	"slices"

	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// Lookup asks the population database which ID-card numbers (CMND) are those of
// the person of that number, name and birth date; none where it holds none, or
// nobody. An error means that there is no answer.
type Lookup func(ctx context.Context, n identity.CitizenNumber, name string, d identity.BirthDate) ([]identity.IDCardNumber, error)

// whose says whose an account's ID-card number is, where the population
// database holds those for the citizen.
func whose(account identity.IDCardNumber, citizens []identity.IDCardNumber) link.IDCard {
	switch {
	case account.IsZero() || len(citizens) == 0:
		return link.IDCardNotSaid
	case slices.Contains(citizens, account):
		return link.IDCardOwn
	}
	return link.IDCardOther
}

// evidence is the number if it is evidence, as the ledger keeps it.
func evidence(account identity.IDCardNumber, is link.IDCard) identity.IDCardNumber {
	if is == link.IDCardOwn {
		return account
	}
	return identity.IDCardNumber{}
}

// lookUp asks for the ID-card numbers of whoever the provider has vouched for,
// unless the proof knows them, and reports whether there is an answer that was
// not there before. Without one, the sign-in goes on as if they had none.
func (l *Link) lookUp(ctx context.Context, proof *session.Proof) bool {
	if l.Lookup == nil || proof.LookedUp || acts(proof) {
		return false
	}
	c := proof.Citizen
	cards, err := l.Lookup(ctx, c.Number, c.Name, c.BirthDate)
	if err != nil {
		l.Logger.Warn("record lookup gave no answer", "cause", err)
		return false
	}
	proof.LookedUp, proof.IDCards = true, cards
	return true
}

// decideByCard decides, and asks for proof of an account whose link was ended:
// what the population database says of it was as true before.
func (l *Link) decideByCard(ctx context.Context, account identity.Account, e link.Evidence) (link.Decision, error) {
	d := l.Policy().Decide(e)
	if d.Method != link.ByPopulation {
		return d, nil
	}
	unlinked, err := l.Ledger.UnlinkedAccount(ctx, account.ID)
	if unlinked {
		d = link.Decision{Action: link.Prove}
	}
	return d, err
}

// byIDCard are the accounts that hold one of the citizen's ID-card numbers.
func (l *Link) byIDCard(ctx context.Context, proof *session.Proof) (all []identity.Account, err error) {
	for _, card := range proof.IDCards {
		accounts, err := l.Directory.ByIDCardNumber(ctx, card)
		if err != nil {
			return nil, err
		}
		all = append(all, accounts...)
	}
	return all, nil
}

// seek is candidates for somebody who arrives, after a record lookup where that
// is what is missing. The proof keeps what it told: it is not repeated when the
// page is read again, with an answer or without.
func (l *Link) seek(ctx context.Context, proof *session.Proof) ([]candidate, error) {
	own, _, err := l.candidates(ctx, proof)
	byNumber := slices.ContainsFunc(own, func(c candidate) bool { return c.decision.Method == link.ByDirectory })
	if err != nil || byNumber && proof.Account.ID == "" || !l.lookUp(ctx, proof) {
		return own, err
	}
	own, _, err = l.candidates(ctx, proof)
	return own, err
}
