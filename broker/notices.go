package broker

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// noticesAt is the page that tells whoever is about to land what has happened
// to their accounts since they were last here; "" where there is nothing to
// tell. Not to know keeps nobody out.
func (b *broker) noticesAt(ctx context.Context, in *session.Session, returnTo string) string {
	if !b.TellAtSignIn || in.Account.ID == "" {
		return ""
	}
	waiting, err := b.waitingNotices(ctx, in)
	if err != nil {
		b.Logger.Warn("notices not read", "error", err)
	}
	if len(waiting) == 0 {
		return ""
	}
	return b.Prefix + "/notices?rd=" + url.QueryEscape(returnTo)
}

// waitingNotices are those that a session may see: an old password tells
// nothing of its citizen's other accounts, and hides nothing from them.
func (b *broker) waitingNotices(ctx context.Context, in *session.Session) ([]ledger.Notice, error) {
	return b.Ledger.WaitingNotices(ctx, in.Account.ID, vouched(in))
}

// notices shows what waits for whoever is signed in.
func (s *SignIn) notices(w http.ResponseWriter, r *http.Request) {
	held, ok := s.live(r).(*session.Session)
	if !ok {
		to(w, r, s.Prefix+"/sign-in?rd="+url.QueryEscape(s.rd(r)))
		return
	}
	waiting, err := s.waitingNotices(r.Context(), held)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if len(waiting) == 0 {
		to(w, r, s.rd(r))
		return
	}
	page := screen.Notices{Seen: waiting[len(waiting)-1].ID, CSRF: s.token(held.ID), ReturnTo: s.rd(r)}
	for _, n := range waiting {
		page.Items = append(page.Items, screen.NoticeItem{Event: n.Event, Account: s.titleOf(r.Context(), n.Account), At: n.At, Due: n.Due})
	}
	s.Screens.Write(w, r, http.StatusOK, page)
}

// noticed records that the person has seen what the page showed, and lets them
// go on. What came after the page was made waits for the next time.
func (s *SignIn) noticed(w http.ResponseWriter, r *http.Request) {
	held, ok := s.live(r).(*session.Session)
	if !ok {
		to(w, r, s.Prefix+"/sign-in?rd="+url.QueryEscape(s.rd(r)))
		return
	}
	if !s.authentic(w, r, held.ID) {
		return
	}
	waiting, err := s.waitingNotices(r.Context(), held)
	// A tab that was left open names one that no longer waits, and nothing of
	// what came after it.
	last := slices.IndexFunc(waiting, func(n ledger.Notice) bool { return n.ID == r.PostForm.Get(screen.FieldSeen) })
	for _, n := range waiting[:last+1] {
		if err == nil {
			err = s.Ledger.CloseNotice(r.Context(), n.ID, ledger.NoticeShown)
		}
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	to(w, r, session.ReturnTo(r.PostForm.Get(screen.FieldReturnTo), s.Prefix))
}

// titleOf is an account's name as pages show it: masked.
func (b *broker) titleOf(ctx context.Context, id identity.AccountID) string {
	if account, err := b.Directory.ByID(ctx, id); err == nil {
		return masked(account.Username)
	}
	return masked(string(id))
}
