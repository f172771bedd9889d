package broker

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// candidate is an account that may be the citizen's, with what the policy
// makes of it.
type candidate struct {
	seen
	decision link.Decision
	card     link.IDCard // whose the account's ID-card number is
}

// arriveProvider goes on with a citizen: in by their active link; by the one
// account that the directory's verified number makes theirs; else to the
// chooser or to proof of an old account.
func (l *Link) arriveProvider(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	mode := l.Policy().Mode
	if mode == link.Off {
		l.enterNobody(w, r, proof, identity.StandingNone)
		return
	}
	if l.enterByLink(w, r, proof) {
		return
	}
	if mode == link.Observe {
		l.observeProvider(w, r, proof)
		return
	}
	own, err := l.seek(r.Context(), proof)
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return
	}
	if len(own) == 1 && own[0].decision.Method == link.ByDirectory {
		l.recordProvider(w, r, proof, own, ledger.Consent{})
		return
	}
	l.hold(w, r, proof)
}

// enterByLink admits by an active link, the default first. It reports whether
// it answered.
func (l *Link) enterByLink(w http.ResponseWriter, r *http.Request, proof *session.Proof) bool {
	links, err := l.Ledger.ActiveByCitizen(r.Context(), proof.Citizen)
	if errors.Is(err, ledger.ErrConflict) {
		l.review(w, r, ledger.NewReview{Reason: ledger.ReviewConflict, Citizen: proof.Citizen})
		return true
	}
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return true
	}
	var refused *candidate
	for _, active := range links {
		found, err := l.see(r.Context(), active.Account, proof.Citizen)
		var fault *Fault
		if errors.As(err, &fault) && fault.Reason == screen.NoAccount {
			continue // the portal has deleted it; the link's history stays
		}
		if err != nil {
			l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
			return true
		}
		d := l.Policy().Decide(link.Evidence{On: l.Now(), Vouched: true, ForOrganisation: acts(proof), Account: &found.facts})
		// A link that no provider has confirmed yet rests on a number that
		// somebody typed: it holds only if the provider names the same person.
		if !active.ProviderUsed && !samePerson(active, proof.Citizen) {
			d = link.Decision{Action: link.Refuse, Reason: link.Mismatch}
		}
		if d.Action != link.Admit {
			if refused == nil {
				refused = &candidate{seen: found, decision: d}
			}
			continue
		}
		err = l.use(r.Context(), proof.ID, proof.Expires())
		if err == nil {
			err = l.met(r.Context(), active, proof.Citizen)
		}
		if err != nil {
			l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
			return true
		}
		l.observed(found)
		l.enterProvider(w, r, proof, found.account)
		return true
	}
	if refused != nil {
		l.drop(w, r)
		l.refuseBy(w, r, refused.decision, refused.account, proof.Citizen, proof.ReturnTo)
		return true
	}
	return false
}

func samePerson(active ledger.Link, citizen identity.Citizen) bool {
	return identity.MatchNames(active.Name, citizen.Name) != identity.NameDiffers &&
		active.BirthDate.Match(citizen.BirthDate) != identity.DateDiffers
}

// met records that the provider has vouched for the citizen of a link.
func (l *Link) met(ctx context.Context, active ledger.Link, citizen identity.Citizen) error {
	if err := l.Ledger.NoteSubject(ctx, active.CitizenID, citizen); err != nil {
		return err
	}
	return l.Ledger.MarkProviderUsed(ctx, active.Account)
}

func (l *Link) enterProvider(w http.ResponseWriter, r *http.Request, proof *session.Proof, account identity.Account) {
	l.admit(w, r, entrance{
		account: account, citizen: proof.Citizen, standing: identity.StandingLinked, proved: proof.Authenticated,
		sid: proof.ProviderSID, tokens: proof.Tokens, provider: l.sideOf(proof),
		atPortal: proof.Method == string(link.ByPortalSession) && proof.Account.ID == account.ID,
	}, proof.ReturnTo)
}

// candidates are the accounts that could be linked now: those that the
// directory's number makes the citizen's, or by their ID-card number the
// population database, and the one that the portal has said is theirs. hints
// are further ones with the citizen's ID-card number, name and birth date,
// which they have yet to prove.
func (l *Link) candidates(ctx context.Context, proof *session.Proof) (own, hints []candidate, err error) {
	accounts, err := l.Directory.ByCitizenNumber(ctx, proof.Citizen.Number)
	if err != nil {
		return nil, nil, err
	}
	if proof.Account.ID != "" {
		proved, err := l.Directory.ByID(ctx, proof.Account.ID)
		if err != nil {
			return nil, nil, err
		}
		accounts = append([]identity.Account{proved}, accounts...)
	}
	byCard, err := l.byIDCard(ctx, proof)
	if err != nil {
		return nil, nil, err
	}
	accounts = append(accounts, byCard...)
	for i, account := range accounts {
		if slices.ContainsFunc(accounts[:i], func(a identity.Account) bool { return a.ID == account.ID }) {
			continue
		}
		c := candidate{card: whose(account.IDCard, proof.IDCards)}
		if c.seen, err = l.compare(ctx, account, proof.Citizen); err != nil {
			return nil, nil, err
		}
		e := link.Evidence{On: l.Now(), Vouched: true, ForOrganisation: acts(proof), Account: &c.facts, IDCard: c.card}
		if account.ID == proof.Account.ID {
			e.Proof = link.Method(proof.Method)
		}
		if c.decision, err = l.decideByCard(ctx, account, e); err != nil {
			return nil, nil, err
		}
		switch {
		case c.decision.Action == link.Record || e.Proof != "" && c.decision.Action != link.Prove:
			own = append(own, c)
		case c.decision.Action == link.Prove && c.card == link.IDCardOwn &&
			c.facts.Name != identity.NameDiffers && c.facts.BirthDate != identity.DateDiffers:
			hints = append(hints, c)
		}
	}
	return own, hints, nil
}

// showProvider is the chooser where accounts can be linked now, else the page
// that asks for proof.
func (l *Link) showProvider(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	if l.enterByLink(w, r, proof) {
		return
	}
	own, hints, err := l.candidates(r.Context(), proof)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	for _, c := range own {
		if c.decision.Action == link.Refuse {
			l.forgetAccount(w, proof)
			l.refuseBy(w, r, c.decision, c.account, proof.Citizen, proof.ReturnTo)
			return
		}
	}
	if len(own) > 0 {
		l.offerChoice(w, r, http.StatusOK, proof, own, nil)
		return
	}
	var faults screen.FieldErrors
	if proof.Account.ID != "" { // proved, but not in the way that its terms ask for
		faults = screen.FieldErrors{"": screen.ProofOther}
	}
	l.askProof(w, r, http.StatusOK, proof, hints, "", faults)
}

// acts reports whether somebody signs in for an organisation.
func acts(proof *session.Proof) bool { return !proof.Citizen.Organisation.IsZero() }

// recordProvider writes the links, the first of them the default, and admits
// to its account. The first spends the proof; each other spends a name made
// of the proof and its account.
func (l *Link) recordProvider(w http.ResponseWriter, r *http.Request, proof *session.Proof, own []candidate, consent ledger.Consent) {
	if own[0].decision.Action == link.Admit {
		// Linked by another browser meanwhile: there is nothing to record.
		err := l.use(r.Context(), proof.ID, proof.Expires())
		if err == nil {
			err = l.met(r.Context(), *own[0].link, proof.Citizen)
		}
		if err != nil {
			l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
			return
		}
	}
	for i, c := range own {
		if c.decision.Action != link.Record {
			continue
		}
		spent := proof.ID[:]
		if i > 0 {
			spent = append(spent[:len(spent):len(spent)], l.handle(proof.ID, c.account.ID)...)
		}
		made, err := l.record(r.Context(), ledger.NewLink{
			Account: c.account.ID, Kind: c.account.Kind, Citizen: proof.Citizen,
			Method: ledger.Method(c.decision.Method), Strength: ledger.Strength(c.decision.Strength),
			Proof: spent, ProofExpires: proof.Expires(), Consent: consent, Source: l.Source(r),
			IDCard: evidence(c.account.IDCard, c.card),
		})
		if err == nil {
			err = l.met(r.Context(), made, proof.Citizen)
		}
		if i > 0 && (errors.Is(err, ledger.ErrAccountTaken) || errors.Is(err, ledger.ErrConflict)) {
			// Somebody else was faster at an account that was not chosen.
			l.Logger.Warn("further account not linked", "account", l.pseudonym(c.account.ID), "error", err)
			continue
		}
		if err != nil {
			l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
			return
		}
		l.Metrics.Step(l.sideOf(proof), metrics.StepLinked, "")
	}
	l.enterProvider(w, r, proof, own[0].account)
}
