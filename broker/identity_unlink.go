package broker

import (
	"errors"
	"net/http"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// vouched reports that the provider itself vouched for the citizen in this
// session: an old password ends nobody's links.
func vouched(held *session.Session) bool {
	return held.Standing == identity.StandingLinked && held.Citizen.Subject != ""
}

// unlink records that a citizen wants one of their links to end. It ends after
// a time in which they may think better of it: whoever sits down at an open
// session must not be able to take an account away at once.
func (l *Link) unlink(w http.ResponseWriter, r *http.Request) {
	l.ownLink(w, r, screen.NoticeUnlinkAsked, func(own ledger.Link) error {
		return l.Ledger.AskUnlink(r.Context(), own.ID, l.Now().Add(l.UnlinkAfter), l.Source(r))
	})
}

// keep withdraws that.
func (l *Link) keep(w http.ResponseWriter, r *http.Request) {
	l.ownLink(w, r, screen.NoticeUnlinkWithdrawn, func(own ledger.Link) error {
		return l.Ledger.WithdrawUnlink(r.Context(), own.ID, l.Source(r))
	})
}

// ownLink does something to the link that the form's handle names among those
// of the citizen of this session, and says so on the identity page.
func (l *Link) ownLink(w http.ResponseWriter, r *http.Request, done screen.Notice, do func(ledger.Link) error) {
	held, ok := l.live(r).(*session.Session)
	if !ok {
		to(w, r, l.Prefix+"/sign-in?rd=/")
		return
	}
	if !l.authentic(w, r, held.ID) {
		return
	}
	links, err := []ledger.Link(nil), error(nil)
	if vouched(held) {
		links, err = l.Ledger.ActiveByCitizen(r.Context(), held.Citizen)
	}
	for _, own := range links {
		if r.PostForm.Get(screen.FieldAccount) != l.handle(held.ID, own.Account) {
			continue
		}
		// Another tab may have been faster: the page then shows how it stands.
		if err = do(own); errors.Is(err, ledger.ErrNotFound) {
			break
		}
		if err == nil {
			to(w, r, l.Prefix+"/identity?done="+string(done))
			return
		}
	}
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		l.refuse(w, r, err)
		return
	}
	to(w, r, l.Prefix+"/identity")
}
