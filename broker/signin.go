package broker

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// SignIn brings somebody to the point where one side is proved: a citizen by
// the provider, or an account by the portal.
type SignIn struct{ *broker }

// chooser offers the ways in. Whoever is in already goes to their page;
// whoever proved one side goes on to link; whoever comes back from the
// portal's own page, which may not know how to send them, is asked about there.
func (s *SignIn) chooser(w http.ResponseWriter, r *http.Request) {
	returnTo := s.rd(r)
	switch held := s.live(r).(type) {
	case *session.Session:
		// Whom the gate lets through no more, and link may refuse, must be able
		// to sign in another way.
		if s.Policy().Admit(HeldBy(held), s.Now()) == link.Forward && s.Feed.State(Ref(held)) == ledger.Live {
			if s.turns(w, r, returnTo) {
				s.refuse(w, r, &Fault{screen.Loop, errors.New("sent back to the same page again and again")})
				return
			}
			to(w, r, returnTo)
			return
		}
	case *session.Proof:
		to(w, r, s.Prefix+"/link")
		return
	}
	if _, ok := s.portalAttempt(r); ok && s.WhoAmI != nil && s.hasPortalSession(r) {
		to(w, r, s.Prefix+"/portal-return")
		return
	}
	var notice screen.Notice
	if r.URL.Query().Has("unsent") {
		notice = screen.NoticeUnsent
	} else if hinted, known := s.named(r.URL.Query().Get("provider")); known {
		to(w, r, s.startAt(hinted.Name, returnTo))
		return
	}
	s.offer(w, r, returnTo, notice)
}

func (s *SignIn) offer(w http.ResponseWriter, r *http.Request, returnTo string, notice screen.Notice) {
	page := screen.SignIn{
		ReturnTo:  returnTo,
		Providers: s.buttons(),
		Notice:    notice,
	}
	if main := s.Providers[0]; notice == "" && main.Away != nil && main.Away() {
		page.Notice = screen.NoticeProviderDown
	}
	if s.Policy().LegacyOffered(s.Now()) {
		page.PortalLoginUntil = s.legacyUntil()
		switch {
		case s.Portal.LoginURL != "":
			page.PortalLogin = s.portalStart(returnTo)
		case s.Credential != nil:
			attempt := session.NewAttempt(session.Portal, returnTo, s.Now())
			if err := s.Jar.Begin(w, r, attempt); err != nil {
				s.refuse(w, r, &Fault{screen.Protocol, err})
				return
			}
			page.CredentialForm, page.CSRF = true, s.attemptToken(attempt)
		}
	}
	for _, o := range s.Providers {
		s.Metrics.Step(o.Name, metrics.StepOffered, "")
	}
	s.Screens.Write(w, r, http.StatusOK, page)
}

// portalStart is the address that leads to the portal's own sign-in page.
func (b *broker) portalStart(returnTo string) string { return b.startAt(session.Portal, returnTo) }

// startAt is the address that begins a sign-in at a provider.
func (b *broker) startAt(name, returnTo string) string {
	return b.Prefix + "/start?" + url.Values{"provider": {name}, "rd": {returnTo}}.Encode()
}

// start writes an attempt and sends the browser to the provider, or to the
// portal's own page.
func (s *SignIn) start(w http.ResponseWriter, r *http.Request) {
	// Another site's picture or frame must not begin sign-ins here: each takes
	// the place of an attempt, and the portal's own session with it.
	if destination := r.Header.Get("Sec-Fetch-Dest"); destination != "" && destination != "document" {
		s.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("not a navigation")})
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	names := query["provider"]
	at, known := s.Providers[0], true
	switch {
	case len(names) == 1 && names[0] == session.Portal:
		at = Offer{Name: session.Portal}
	case len(names) == 1:
		at, known = s.named(names[0])
	case len(names) == 0:
		// Whoever is to raise the level goes where they came from.
		if held, in := s.live(r).(*session.Session); in {
			if own, ok := s.vouchedBy(held.Citizen); ok {
				at = own
			}
		}
	}
	if err != nil || len(names) > 1 || !known {
		s.refuse(w, r, &Fault{screen.NotFound, errors.New("unknown provider")})
		return
	}
	name := at.Name
	attempt := session.NewAttempt(name, s.rd(r), s.Now())
	if attempt.Demand = session.ParseDemand(query); attempt.Demand != (session.Demand{}) {
		s.Jar.Raise(w, attempt.Demand)
	}
	if at.LoginHint {
		attempt.Hint = s.hint(r, at)
	}
	var next string
	if name == session.Portal {
		next, err = s.startAtPortal(w, r)
	} else {
		next, err = at.AuthURL(r.Context(), attempt)
	}
	if err == nil {
		err = s.Jar.Begin(w, r, attempt)
	}
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	s.Metrics.Step(name, metrics.StepStarted, "")
	to(w, r, next)
}

// hint is the user name that the browser's last session had from the provider,
// "" where nobody's is there, where it was ended, or where the name could be a
// number of the person's: it will stand in an address.
func (s *SignIn) hint(r *http.Request, at Offer) string {
	last := s.Jar.Last(r)
	if last == nil || last.Citizen.Provider != at.Subjects() || s.Feed.State(Ref(last)) == ledger.Ended {
		return ""
	}
	digits := 0
	for _, c := range last.Citizen.PreferredUsername {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	if digits >= 9 { // an ID-card number has as many
		return ""
	}
	return last.Citizen.PreferredUsername
}

// callback is where the provider sends the browser back. The state is looked
// up and spent before anything in the query is acted on.
func (s *SignIn) callback(w http.ResponseWriter, r *http.Request) {
	attempt, ok := s.returned(w, r)
	if !ok {
		return
	}
	at, known := s.named(attempt.Provider)
	if !known || r.URL.Path != s.Prefix+s.callbackPath(at) {
		// Mix-up (RFC 9700, 4.4): nothing of it goes to any provider.
		s.refuseWith(w, r, &Fault{screen.Protocol, errors.New("the answer to another provider's sign-in")}, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	vouched, err := at.Redeem(r.Context(), attempt, r.URL.RawQuery)
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	s.Metrics.Step(at.Name, metrics.StepVouched, "")
	proof := &session.Proof{
		ID: session.NewID(), Begun: s.Now(), ReturnTo: attempt.ReturnTo,
		Citizen: vouched.Citizen, Authenticated: vouched.Authenticated, ProviderSID: vouched.SID, Tokens: session.NewID(),
	}
	err = s.keepIDToken(r.Context(), proof.Tokens, vouched.IDToken)
	if err == nil {
		err = s.keepGrant(r.Context(), proof.Tokens, vouched.Grant)
	}
	if err == nil {
		err = s.keepSID(r.Context(), vouched.Citizen.Provider, vouched.SID)
	}
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	linking := &Link{s.broker}
	if at.Appointment == nil {
		linking.arrive(w, r, proof)
		return
	}
	found, err := s.find(r.Context(), at.Appointment, vouched.Account)
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	linking.arriveAppointed(w, r, proof, at, found)
}

// returned finds and spends the attempt that a callback's state names. A late
// tab with a live session goes on to its page.
func (s *SignIn) returned(w http.ResponseWriter, r *http.Request) (session.Attempt, bool) {
	// A literal plus is data on some providers' wires, never a blank.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, "+", "%2B"))
	if err != nil || len(query["state"]) != 1 {
		s.refuse(w, r, &Fault{screen.Protocol, errors.New("callback without one state")})
		return session.Attempt{}, false
	}
	attempt, found := s.Jar.Attempt(r, query["state"][0])
	if !found || attempt.Provider == session.Portal {
		if _, signedIn := s.live(r).(*session.Session); signedIn {
			to(w, r, "/")
			return session.Attempt{}, false
		}
		s.refuseWith(w, r, &Fault{screen.Expired, errors.New("no attempt of this browser has that state")}, screen.Refused{Next: s.again("/")})
		return session.Attempt{}, false
	}
	return attempt, s.spend(w, r, attempt)
}

// spend uses an attempt up, in the ledger first, which every replica shares:
// of two callbacks with one state, one goes on.
func (s *SignIn) spend(w http.ResponseWriter, r *http.Request, attempt session.Attempt) bool {
	err := error(ledger.ErrSpent)
	if !attempt.Spent {
		err = s.Ledger.Spend(r.Context(), ledger.PurposeState, []byte(attempt.State), attempt.Expires())
	}
	if errors.Is(err, ledger.ErrSpent) {
		switch s.live(r).(type) {
		case *session.Session:
			to(w, r, attempt.ReturnTo)
			return false
		case *session.Proof:
			to(w, r, s.Prefix+"/link")
			return false
		}
	}
	if err == nil {
		err = s.Jar.Spend(w, attempt)
	}
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return false
	}
	s.Metrics.Step(attempt.Provider, metrics.StepReturned, "")
	return true
}
