package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// seen is one account with what directory and ledger know of it, and how that
// compares with a citizen where one is vouched for.
type seen struct {
	account identity.Account
	link    *ledger.Link    // the active link, nil for none
	pending *ledger.Pending // flow A: the open check, nil for none
	facts   link.Account
}

// excused is when the account's exemption or extension ends; zero for none.
func (s seen) excused() time.Time {
	if s.facts.ExemptUntil.IsZero() {
		return s.facts.ExtendedUntil
	}
	return s.facts.ExemptUntil
}

// see gathers the facts about an account. citizen is zero in flow A. An
// account that the directory does not know is refused as none.
func (b *broker) see(ctx context.Context, id identity.AccountID, citizen identity.Citizen) (seen, error) {
	account, err := b.Directory.ByID(ctx, id)
	if errors.Is(err, ErrNoAccount) {
		return seen{}, &Fault{screen.NoAccount, err}
	}
	if err != nil {
		return seen{}, err
	}
	return b.compare(ctx, account, citizen)
}

// Facts are what the policy is told of an account by itself: what directory and
// ledger hold of it, its data compared with themselves. A sign-in that the
// account begins (flow A) is decided by them, and so is a rehearsal.
func Facts(policy link.Policy, account identity.Account, state ledger.AccountState) link.Account {
	facts := link.Account{
		Class: policy.ClassOf(account), Locked: account.Locked, Organisation: account.Kind == identity.KindOrganisation, ProviderUsed: state.ProviderUsed,
		Name:      identity.MatchNames(account.Name, account.Name),
		BirthDate: account.BirthDate.Match(account.BirthDate),
		Pending:   state.Pending, Skips: state.Skips, ExemptUntil: state.ExemptUntil, ExtendedUntil: state.ExtendedUntil,
	}
	if state.Linked {
		facts.Link = link.LinkedSame
	}
	switch {
	case account.Number.IsZero():
	case state.Unlinked:
		// It may be what the link wrote there that was ended, and only a new
		// proof may bring a link back.
	case account.NumberVerified:
		facts.Number = link.NumberVerified
	default:
		facts.Number = link.NumberTyped
	}
	return facts
}

func (b *broker) compare(ctx context.Context, account identity.Account, citizen identity.Citizen) (seen, error) {
	s := seen{account: account}
	var state ledger.AccountState
	active, err := b.Ledger.ActiveByAccount(ctx, account.ID)
	switch {
	case err == nil:
		s.link, state.Linked, state.ProviderUsed = &active, true, active.ProviderUsed
	case !errors.Is(err, ledger.ErrNotFound):
		return seen{}, err
	}
	if s.link == nil {
		if state, err = b.unlinkedState(ctx, &s); err != nil {
			return seen{}, err
		}
	}
	s.facts = Facts(b.Policy(), account, state)
	if citizen.Subject == "" {
		return s, nil
	}
	switch {
	case account.Number == citizen.Number:
	case account.NumberVerified && !account.Number.IsZero():
		s.facts.Number = link.NumberOther
	default:
		s.facts.Number = link.NoNumber
	}
	s.facts.Name = identity.MatchNames(account.Name, citizen.Name)
	if s.facts.Organisation {
		s.facts.Name = max(s.facts.Name, identity.MatchNames(account.Name, citizen.Organisation.Name))
	}
	s.facts.BirthDate = account.BirthDate.Match(citizen.BirthDate)
	if s.link == nil {
		return s, nil
	}
	s.facts.Link = link.LinkedToOther
	own, err := b.Ledger.ActiveByCitizen(ctx, citizen)
	if err != nil {
		return seen{}, err
	}
	for _, other := range own {
		if other.ID == s.link.ID {
			s.facts.Link = link.LinkedSame
		}
	}
	return s, nil
}

// unlinkedState is what the ledger holds of an account without a link, and what
// may stand in for one.
func (b *broker) unlinkedState(ctx context.Context, s *seen) (ledger.AccountState, error) {
	states, err := b.Ledger.AccountStates(ctx, []identity.AccountID{s.account.ID})
	if err != nil {
		return ledger.AccountState{}, err
	}
	state := states[0]
	state.Linked, state.ProviderUsed = false, false // made this moment: the next question finds it
	if !state.Pending {
		return state, nil
	}
	pending, err := b.Ledger.PendingByAccount(ctx, s.account.ID)
	if errors.Is(err, ledger.ErrNotFound) {
		state.Pending = false // answered this moment
		return state, nil
	}
	s.pending = &pending
	return state, err
}

// entrance is somebody about to be admitted.
type entrance struct {
	account  identity.Account
	citizen  identity.Citizen // zero number where none is known
	standing identity.Standing
	readOnly bool
	excused  time.Time // when the account's exemption or extension ends
	proved   time.Time // to the provider; zero where that is not known
	sid      string
	tokens   session.ID
	provider string // for the metrics
	// atPortal is whether the portal's own session proved the account in this
	// very sign-in: then that session is theirs.
	atPortal bool
}

// admit begins a session with a fresh id and lands the person on their page.
// Whatever session the browser still held ends: it may have been copied.
func (b *broker) admit(w http.ResponseWriter, r *http.Request, e entrance, returnTo string) {
	if old, ok := b.live(r).(*session.Session); ok {
		if err := b.Ledger.EndSession(r.Context(), old.ID[:], b.Now().Add(b.SessionLifetime)); err != nil {
			b.refuse(w, r, err)
			return
		}
	}
	now := b.Now()
	account := session.RefOf(e.account)
	account.Cohort, account.Excused = b.Policy().ClassOf(e.account).Cohort, e.excused
	s := &session.Session{
		ID: session.NewID(), Begun: now, Read: now,
		Account: account, Citizen: e.citizen, Standing: e.standing, ReadOnly: e.readOnly, Authenticated: e.proved,
		ProviderSID: e.sid, Tokens: e.tokens,
	}
	if err := b.Jar.Admit(w, s); err != nil {
		// A cookie that no browser would keep: the account's texts are too long.
		b.refuse(w, r, &Fault{screen.DirectoryDown, err})
		return
	}
	if !e.atPortal && !sameHands(b.Jar.Last(r), s) {
		// On a shared computer the portal may still show the last citizen's
		// pages to whoever holds its cookie.
		b.clearPortal(w, returnTo)
	}
	b.Metrics.Step(e.provider, metrics.StepAdmitted, "")
	b.Logger.Info("admitted", "account", b.pseudonym(e.account.ID), "standing", e.standing, "provider", e.provider)
	to(w, r, b.landing(r, s, returnTo))
}

// sameHands reports that the browser is still with whoever had it last.
func sameHands(last, now *session.Session) bool {
	return last != nil && last.Account.ID == now.Account.ID &&
		(last.Citizen.Subject == "" || now.Citizen.Subject == "" || last.Citizen.Subject == now.Citizen.Subject)
}

// use spends what somebody is admitted on where no link is made of it: a copy
// of its cookie must open nothing afterwards.
func (b *broker) use(ctx context.Context, proof session.ID, expires time.Time) error {
	return b.Ledger.Spend(ctx, ledger.PurposeProof, proof[:], expires)
}

// record writes the link and counts it. A link that this citizen had already
// (two browsers) is as good, and takes the proof as well.
func (b *broker) record(ctx context.Context, n ledger.NewLink) (ledger.Link, error) {
	made, err := b.Ledger.Link(ctx, n)
	if errors.Is(err, ledger.ErrAlreadyLinked) {
		return made, b.Ledger.Spend(ctx, ledger.PurposeProof, n.Proof, n.ProofExpires)
	}
	if err != nil {
		return ledger.Link{}, err
	}
	b.Metrics.Linked(string(n.Method), string(n.Strength))
	b.Logger.Info("linked", "account", b.pseudonym(n.Account), "method", n.Method, "strength", n.Strength)
	return made, nil
}

// review refuses with the reference code of what waits in the ledger for staff.
func (b *broker) review(w http.ResponseWriter, r *http.Request, n ledger.NewReview) {
	n.Source = b.Source(r)
	reference, err := b.Ledger.AskReview(r.Context(), n)
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	page := screen.Refused{ReferenceCode: reference}
	if n.Account != "" && n.Citizen.Subject == "" {
		// The account stays proved: another number may be typed, or none.
		page.Next = []screen.Action{{Label: screen.ActionLink, Href: b.Prefix + "/link"}, {Label: screen.ActionSignOut, Href: b.Prefix + "/sign-out"}}
	}
	b.refuseWith(w, r, &Fault{screen.Reason(n.Reason), errors.New("policy")}, page)
}

func (b *broker) pseudonym(id identity.AccountID) string {
	return b.Ledger.Pseudonym("account", string(id))
}

// view shows an account to somebody who has not proved it: enough to know it
// by, not enough to sign in with.
func (b *broker) view(account identity.Account, proof session.ID) screen.AccountView {
	return screen.AccountView{
		Handle: b.handle(proof, account.ID),
		Title:  masked(account.Username),
		Detail: account.Name,
	}
}

func (b *broker) handle(proof session.ID, id identity.AccountID) string {
	return b.Jar.Mark("account", proof[:], string(id))
}

// masked keeps the last three characters, and the first two of what is no
// number: a user name may be somebody's citizen number.
func masked(text string) string {
	count := utf8.RuneCountInString(text)
	head := 2
	if strings.Trim(text, "0123456789") == "" {
		head = 0
	}
	var b strings.Builder
	position := 0
	for _, c := range text {
		if position >= count-3 || position < head && count > 6 {
			b.WriteRune(c)
		} else {
			b.WriteByte('*')
		}
		position++
	}
	return b.String()
}

// again is the one safe action after an attempt that failed: begin anew, with
// the page first asked for kept.
func (b *broker) again(returnTo string) []screen.Action {
	return []screen.Action{{Label: screen.ActionSignIn, Href: b.Prefix + "/sign-in?rd=" + url.QueryEscape(returnTo) + "&again=1"}}
}
