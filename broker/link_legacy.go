package broker

import (
	"errors"
	"net/http"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// holder is who fills in the link screen: a proof on its way in, or a session
// without a link that makes up for it.
type holder struct {
	id       session.ID
	account  identity.AccountID
	method   link.Method
	returnTo string
	expires  time.Time
	tokens   session.ID
	typed    identity.CitizenNumber // zero until a form has told it
}

func holderOf(b *broker, stage session.Stage) holder {
	switch held := stage.(type) {
	case *session.Proof:
		return holder{id: held.ID, account: held.Account.ID, method: link.Method(held.Method), returnTo: held.ReturnTo,
			expires: held.Expires(), tokens: held.Tokens}
	case *session.Session:
		return holder{id: held.ID, account: held.Account.ID, method: link.ByPortalSession, returnTo: b.Prefix + "/identity",
			expires: b.Jar.Ends(held), tokens: held.Tokens}
	}
	return holder{}
}

// legacyHolder is who may post to the link screen of flow A; anybody else is
// sent to sign in.
func (l *Link) legacyHolder(w http.ResponseWriter, r *http.Request) (holder, bool) {
	stage := l.live(r)
	switch held := stage.(type) {
	case *session.Proof:
		if held.LegacyFirst() {
			return holderOf(l.broker, held), l.authentic(w, r, held.ID)
		}
	case *session.Session:
		if unlinked(held.Standing) {
			return holderOf(l.broker, held), l.authentic(w, r, held.ID)
		}
	}
	to(w, r, l.Prefix+"/sign-in")
	return holder{}, false
}

func (l *Link) arriveLegacy(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	found, d, err := l.decideLegacy(r, holderOf(l.broker, proof), link.NotAsked, false)
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return
	}
	l.observed(found)
	if d.Action == link.Ask {
		l.hold(w, r, proof)
		return
	}
	l.enterLegacy(w, r, holderOf(l.broker, proof), found, d)
}

func (l *Link) showLegacy(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	h := holderOf(l.broker, proof)
	found, d, err := l.decideLegacy(r, h, link.NotAsked, false)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	if d.Action == link.Ask {
		l.askAgain(w, r, h, found, d)
		return
	}
	l.enterLegacy(w, r, h, found, d)
}

func (l *Link) decideLegacy(r *http.Request, h holder, check link.Check, elsewhere bool) (seen, link.Decision, error) {
	return l.decideChecked(r, h, checked{check: check, elsewhere: elsewhere})
}

func (l *Link) decideChecked(r *http.Request, h holder, said checked) (seen, link.Decision, error) {
	found, err := l.see(r.Context(), h.account, identity.Citizen{})
	if err != nil {
		return seen{}, link.Decision{}, err
	}
	return found, l.Policy().Decide(link.Evidence{
		On: l.Now(), Account: &found.facts, Proof: h.method, Check: said.check, NumberElsewhere: said.elsewhere, IDCard: said.card,
	}), nil
}

// enterLegacy admits or refuses; asking is the caller's.
func (l *Link) enterLegacy(w http.ResponseWriter, r *http.Request, h holder, found seen, d link.Decision) {
	if d.Action != link.Admit {
		l.refuseBy(w, r, d, found.account, h.citizen(found.account), h.returnTo)
		return
	}
	if err := l.use(r.Context(), h.id, h.expires); err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(h.returnTo)})
		return
	}
	citizen := identity.Citizen{Name: found.account.Name, BirthDate: found.account.BirthDate}
	switch {
	case found.link != nil:
		citizen = identity.Citizen{Number: found.link.Number, Name: found.link.Name, BirthDate: found.link.BirthDate}
	case found.account.NumberVerified:
		// A number that the operator trusts spares the question; whose it is,
		// nobody has checked, and it is forwarded as nobody's.
		citizen.Number = found.account.Number
	}
	l.admit(w, r, entrance{account: found.account, citizen: citizen, standing: d.Standing, excused: found.excused(), tokens: h.tokens, provider: session.Portal, atPortal: h.method == link.ByPortalSession}, h.returnTo)
}

// update matches the typed number against the population database and records
// the link. Nothing is asked of anybody before the form itself is in order.
func (l *Link) update(w http.ResponseWriter, r *http.Request) {
	h, ok := l.legacyHolder(w, r)
	if !ok {
		return
	}
	typed := r.PostForm.Get(screen.FieldCitizenNumber)
	faults := screen.FieldErrors{}
	number, err := identity.ParseCitizenNumber(typed)
	if err != nil {
		faults[screen.FieldCitizenNumber] = screen.NumberMalformed
	}
	if !consented(r) {
		faults[screen.FieldConsent] = screen.ConsentMissing
	}
	h.typed = number
	found, d, err := l.decideLegacy(r, h, link.NotAsked, false)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	if d.Action != link.Ask && !unlinked(d.Standing) {
		l.enterLegacy(w, r, h, found, unlessOther(d, found, number))
		return
	}
	if len(faults) > 0 {
		l.write(w, r, http.StatusUnprocessableEntity, h, found, d, screen.Link{TypedNumber: typed, Errors: faults})
		return
	}
	undoAccount, ok := l.try(w, r, "link account", string(h.account))
	if !ok {
		return
	}
	undoNumber, ok := l.try(w, r, "link number", number.Reveal())
	if !ok {
		return
	}
	undo := func() { undoAccount(); undoNumber() }
	said, err := l.check(r, number, found.account)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	found, d, err = l.decideChecked(r, h, said)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	switch {
	case d.Action == link.Record:
		undo()
		l.recordLegacy(w, r, h, found, number, d, said.card)
	case d.Action == link.Await:
		undo() // nothing was learnt about the number
		l.await(w, r, h, found)
	case d.Action != link.Ask:
		l.enterLegacy(w, r, h, found, unlessOther(d, found, number))
	default:
		l.mismatch(w, r, h, found, d, typed)
	}
}

// unlessOther refuses where another browser has meanwhile linked the account
// to another number than the one typed: "done" would be a lie.
func unlessOther(d link.Decision, found seen, typed identity.CitizenNumber) link.Decision {
	if d.Action == link.Admit && found.link != nil && !typed.IsZero() && found.link.Number != typed {
		return link.Decision{Action: link.Refuse, Reason: link.Conflict}
	}
	return d
}

// checked is what was said of a number typed.
type checked struct {
	check     link.Check
	elsewhere bool // it is linked to another account
	card      link.IDCard
}

// check asks the population database, and the ledger whether the number is
// linked to another account.
func (l *Link) check(r *http.Request, number identity.CitizenNumber, account identity.Account) (checked, error) {
	if account.Kind == identity.KindOrganisation {
		return checked{check: link.NotMatched}, nil // no person's data could be its
	}
	matched, err := l.Population(r.Context(), number, account.Name, account.BirthDate)
	if err != nil {
		l.Logger.Warn("population database gave no answer", "cause", err)
		return checked{check: link.Unanswered}, nil
	}
	if !matched {
		return checked{check: link.NotMatched}, nil
	}
	said := checked{check: link.Matched}
	if l.Lookup != nil && !account.IDCard.IsZero() {
		cards, err := l.Lookup(r.Context(), number, account.Name, account.BirthDate)
		if err != nil {
			l.Logger.Warn("record lookup gave no answer", "cause", err)
			return checked{check: link.Unanswered}, nil
		}
		said.card = whose(account.IDCard, cards)
	}
	links, err := l.Ledger.ActiveByCitizen(r.Context(), identity.Citizen{Number: number})
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return checked{}, err
	}
	said.elsewhere = err != nil || len(links) > 0
	return said, nil
}

func (l *Link) recordLegacy(w http.ResponseWriter, r *http.Request, h holder, found seen, number identity.CitizenNumber, d link.Decision, card link.IDCard) {
	account := found.account
	citizen := identity.Citizen{Number: number, Name: account.Name, BirthDate: account.BirthDate}
	_, err := l.record(r.Context(), ledger.NewLink{
		Account: account.ID, Kind: account.Kind, Citizen: citizen,
		Method: ledger.Method(d.Method), Strength: ledger.Strength(d.Strength),
		Proof: h.id[:], ProofExpires: h.expires, Consent: l.consent(r), Source: l.Source(r),
		IDCard: evidence(account.IDCard, card),
	})
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(h.returnTo)})
		return
	}
	l.Metrics.Step(session.Portal, metrics.StepLinked, "")
	l.admit(w, r, entrance{account: account, citizen: citizen, standing: identity.StandingLinked, tokens: h.tokens, provider: session.Portal, atPortal: h.method == link.ByPortalSession}, h.returnTo)
}

// overtaken goes on with an account that another browser has linked at this
// very moment; any other fault is refused.
func (l *Link) overtaken(w http.ResponseWriter, r *http.Request, h holder, err error) {
	if errors.Is(err, ledger.ErrAlreadyLinked) {
		var found seen
		var d link.Decision
		if found, d, err = l.decideLegacy(r, h, link.NotAsked, false); err == nil {
			l.enterLegacy(w, r, h, found, unlessOther(d, found, h.typed))
			return
		}
	}
	l.refuseWith(w, r, err, screen.Refused{Next: l.again(h.returnTo)})
}

// skip puts the link off, while the policy allows it.
func (l *Link) skip(w http.ResponseWriter, r *http.Request) {
	h, ok := l.legacyHolder(w, r)
	if !ok {
		return
	}
	if held, already := l.live(r).(*session.Session); already {
		to(w, r, holderOf(l.broker, held).returnTo)
		return
	}
	found, d, err := l.decideLegacy(r, h, link.NotAsked, false)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	switch {
	case d.Action != link.Ask:
		l.enterLegacy(w, r, h, found, d)
		return
	case !d.CanSkip:
		l.refuse(w, r, &Fault{screen.DeadlinePassed, errors.New("policy")})
		return
	}
	most := 0
	if d.SkipsLeft > 0 {
		most = found.facts.Skips + d.SkipsLeft
	}
	_, err = l.Ledger.SkipAtMost(r.Context(), most, h.account, found.account.Kind, h.id[:], h.expires, l.Source(r))
	if errors.Is(err, ledger.ErrSkipsSpent) {
		l.refuse(w, r, &Fault{screen.DeadlinePassed, errors.New("another browser took the last one")})
		return
	}
	if err != nil {
		l.overtaken(w, r, h, err)
		return
	}
	l.Metrics.Skipped()
	l.Metrics.Step(session.Portal, metrics.StepSkipped, "")
	account := found.account
	l.admit(w, r, entrance{
		account: account, standing: identity.StandingSkipped, readOnly: d.ReadOnly, excused: found.excused(), tokens: h.tokens, provider: session.Portal, atPortal: h.method == link.ByPortalSession,
		citizen: identity.Citizen{Name: account.Name, BirthDate: account.BirthDate},
	}, h.returnTo)
}
