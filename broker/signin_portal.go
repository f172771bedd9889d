package broker

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// legacyUntil is the last day of the portal's own sign-in, for the page; zero
// where it is not one day for all, or it is open for other reasons.
func (b *broker) legacyUntil() time.Time {
	if until := b.Policy().LegacyDay(); !until.Reached(b.Now()) {
		return until.Time()
	}
	return time.Time{}
}

// startAtPortal is the portal's own page, allowed until the policy's date, and
// after it still as proof beside a citizen already vouched for. The portal's
// old session goes first: on a shared computer it may be somebody else's.
func (s *SignIn) startAtPortal(w http.ResponseWriter, r *http.Request) (string, error) {
	proof, proving := s.live(r).(*session.Proof)
	proving = proving && !proof.LegacyFirst()
	if s.Portal.LoginURL == "" || !proving && !s.Policy().LegacyOffered(s.Now()) {
		return "", &Fault{screen.LegacyClosed, errors.New("the portal's own sign-in is not allowed")}
	}
	s.clearPortal(w, s.Portal.LoginURL)
	if s.Portal.ReturnParameter == "" {
		return s.Portal.LoginURL, nil
	}
	separator := "?"
	if strings.Contains(s.Portal.LoginURL, "?") {
		separator = "&"
	}
	return s.Portal.LoginURL + separator + s.Portal.ReturnParameter + "=" + url.QueryEscape(s.Prefix+"/portal-return"), nil
}

// portalReturn asks the portal whose session it has begun.
func (s *SignIn) portalReturn(w http.ResponseWriter, r *http.Request) {
	attempt, ok := s.portalAttempt(r)
	if !ok || s.WhoAmI == nil {
		if s.live(r) != nil {
			to(w, r, s.Prefix+"/sign-in")
			return
		}
		s.refuse(w, r, &Fault{screen.Expired, errors.New("no sign-in at the portal is under way")})
		return
	}
	id, err := s.WhoAmI(r.Context(), r)
	if errors.Is(err, ErrNobody) {
		// Nothing is spent: the person may go back and sign in there yet.
		if proof, proving := s.live(r).(*session.Proof); proving && !proof.LegacyFirst() {
			(&Link{s.broker}).showProvider(w, r, proof)
			return
		}
		s.offer(w, r, attempt.ReturnTo, "")
		return
	}
	if err != nil {
		// The chooser leads back here for as long as this attempt lasts.
		other := s.startAt(s.Providers[0].Name, attempt.ReturnTo)
		s.refuseWith(w, r, err, screen.Refused{Next: append(s.again(attempt.ReturnTo), screen.Action{Label: screen.ActionVNeID, Href: other})})
		return
	}
	if !s.spend(w, r, attempt) {
		return
	}
	found, err := s.see(r.Context(), id, identity.Citizen{})
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	s.Metrics.Step(session.Portal, metrics.StepProved, "")
	proof, proving := s.live(r).(*session.Proof)
	if !proving || proof.LegacyFirst() {
		proof = &session.Proof{ID: session.NewID(), Begun: s.Now(), ReturnTo: attempt.ReturnTo}
	}
	proof.Account, proof.Method = session.RefOf(found.account), string(link.ByPortalSession)
	(&Link{s.broker}).arrive(w, r, proof)
}

// legacy is flow A without the portal's own page: user name and password of
// the old account, checked by the directory. Until they are right there is one
// answer for unknown, wrong, locked and already signing in with VNeID.
func (s *SignIn) legacy(w http.ResponseWriter, r *http.Request) {
	attempt, ok := s.attemptOf(r)
	switch {
	case len(s.Jar.Attempts(r)) == 0:
		to(w, r, s.Prefix+"/sign-in")
		return
	case !ok:
		s.refuse(w, r, &Fault{screen.ForbiddenForm, errors.New("token names no attempt")})
		return
	case s.Credential == nil || s.Portal.LoginURL != "" || !s.Policy().LegacyOffered(s.Now()):
		s.refuse(w, r, &Fault{screen.LegacyClosed, errors.New("the portal's own sign-in is not allowed")})
		return
	}
	username := r.PostForm.Get(screen.FieldUsername)
	wrong := func() {
		s.Metrics.Step(session.Portal, metrics.StepRefused, "credential")
		s.Screens.Write(w, r, http.StatusUnprocessableEntity, screen.SignIn{
			ReturnTo:         attempt.ReturnTo,
			Providers:        s.buttons(),
			PortalLoginUntil: s.legacyUntil(),
			CredentialForm:   true, CSRF: s.attemptToken(attempt), Username: username, Error: screen.CredentialWrong,
		})
	}
	password := r.PostForm.Get(screen.FieldPassword)
	if strings.TrimSpace(username) == "" || password == "" {
		wrong()
		return
	}
	id, undo, ok := s.checkCredential(w, r, username, password, wrong)
	if !ok {
		return
	}
	found, err := s.see(r.Context(), id, identity.Citizen{})
	if err != nil {
		s.refuseWith(w, r, err, screen.Refused{Next: s.again(attempt.ReturnTo)})
		return
	}
	if found.facts.Locked || found.facts.ProviderUsed {
		s.observed(found)
		wrong()
		return
	}
	undo()
	attempt.ReturnTo = session.ReturnTo(attempt.ReturnTo+r.PostForm.Get(screen.FieldFragment), s.Prefix)
	if !s.spend(w, r, attempt) {
		return
	}
	s.Metrics.Step(session.Portal, metrics.StepProved, "")
	(&Link{s.broker}).arrive(w, r, &session.Proof{
		ID: session.NewID(), Begun: s.Now(), ReturnTo: attempt.ReturnTo,
		Account: session.RefOf(found.account), Method: string(link.ByCredential),
	})
}

// portalAttempt is the newest sign-in under way at the portal's own page.
func (s *SignIn) portalAttempt(r *http.Request) (newest session.Attempt, found bool) {
	for _, a := range s.Jar.Attempts(r) {
		if a.Provider == session.Portal && !a.Spent && (!found || a.Begun.After(newest.Begun)) {
			newest, found = a, true
		}
	}
	return newest, found
}

func (s *SignIn) hasPortalSession(r *http.Request) bool {
	for _, name := range s.Portal.SessionCookies {
		if _, err := r.Cookie(name); err == nil {
			return true
		}
	}
	return false
}

// clearPortal takes the portal's own session cookies away: those of its root,
// and those of the application that a path belongs to.
func (b *broker) clearPortal(w http.ResponseWriter, path string) {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if end := strings.IndexAny(first, "?#"); end >= 0 {
		first = first[:end]
	}
	for _, name := range b.Portal.SessionCookies {
		for _, at := range slices.Compact([]string{"/", "/" + first}) {
			http.SetCookie(w, &http.Cookie{Name: name, Path: at, MaxAge: -1, Secure: b.PublicURL.Scheme == "https", HttpOnly: true})
		}
	}
}
