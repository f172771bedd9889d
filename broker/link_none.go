package broker

import (
	"errors"
	"net/http"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// none ends the sign-in of somebody who has no old account, or lets them in
// without one where the policy passes such people and no account may be theirs.
func (l *Link) none(w http.ResponseWriter, r *http.Request) {
	proof, ok := l.providerProof(w, r)
	if !ok {
		return
	}
	if l.Policy().NoAccount().PassNoAccount {
		claimed, err := l.claimed(r, proof)
		if err != nil {
			l.refuse(w, r, err)
			return
		}
		if !claimed {
			l.enterNobody(w, r, proof, identity.StandingNone)
			return
		}
	}
	l.refuseNobody(w, r, proof)
}

// claimed reports whether an account may be the citizen's, which nobody has
// proved it to be.
func (l *Link) claimed(r *http.Request, proof *session.Proof) (bool, error) {
	accounts, err := l.Directory.ByCitizenNumber(r.Context(), proof.Citizen.Number)
	if err != nil || len(accounts) > 0 {
		return true, err
	}
	return l.taken(r, proof)
}

// taken reports whether an account is called by the citizen's subject, which
// the portal is told where there is no account.
func (l *Link) taken(r *http.Request, proof *session.Proof) (bool, error) {
	accounts, err := l.Directory.ByUsername(r.Context(), proof.Citizen.Subject)
	if err != nil || len(accounts) > 0 {
		return true, err
	}
	_, err = l.Directory.ByID(r.Context(), identity.AccountID(proof.Citizen.Subject))
	if errors.Is(err, ErrNoAccount) {
		return false, nil
	}
	return true, err
}

// enterNobody admits a citizen without an account.
func (l *Link) enterNobody(w http.ResponseWriter, r *http.Request, proof *session.Proof, standing identity.Standing) {
	if err := l.use(r.Context(), proof.ID, proof.Expires()); err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return
	}
	l.admit(w, r, entrance{
		citizen: proof.Citizen, standing: standing, sid: proof.ProviderSID, tokens: proof.Tokens, provider: l.sideOf(proof),
	}, proof.ReturnTo)
}

// refuseNobody is the page that says how to get an account. The proof leads
// nowhere any more.
func (l *Link) refuseNobody(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	if err := l.Ledger.Spend(r.Context(), ledger.PurposeProof, proof.ID[:], proof.Expires()); err != nil {
		l.refuse(w, r, err)
		return
	}
	l.Jar.Clear(w)
	l.refuseWith(w, r, &Fault{screen.NoAccount, errors.New("no old account")}, screen.Refused{})
}

// observeProvider is LINK=observe for a citizen without a link: in as the one
// account that the directory makes theirs, else without an account. Nothing is
// asked and no link is written.
func (l *Link) observeProvider(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	own, _, err := l.candidates(r.Context(), proof)
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return
	}
	if len(own) == 1 && own[0].decision.Method == link.ByDirectory {
		l.Metrics.Observed(string(own[0].facts.Class.Kind), own[0].facts.Class.Cohort, string(link.OutcomeVNeIDNumber))
		err := l.use(r.Context(), proof.ID, proof.Expires())
		if err != nil {
			l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
			return
		}
		l.enterProvider(w, r, proof, own[0].account)
		return
	}
	l.Metrics.Observed(string(identity.KindCitizen), "", string(link.OutcomeMustProve))
	taken, err := l.taken(r, proof)
	switch {
	case err != nil:
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
	case taken:
		l.refuseNobody(w, r, proof)
	default:
		l.enterNobody(w, r, proof, identity.StandingUnlinked)
	}
}

// observed counts, under LINK=observe, what enforcing would have made of the
// account.
func (b *broker) observed(s seen) {
	if policy := b.Policy(); policy.Mode == link.Observe {
		class := s.facts.Class
		b.Metrics.Observed(string(class.Kind), class.Cohort, string(policy.Rehearse(s.facts, b.Now())))
	}
}
