package broker

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/text/unicode/norm"

	"vneid-proxy/identity"
)

// checkCredential asks the portal about an old user name and password, within
// the limit of tries. It answers itself, by wrong or by a page, where they are
// not right. undo takes the try back; the caller calls it once the account
// turned out to be one that may be told so.
func (b *broker) checkCredential(w http.ResponseWriter, r *http.Request, username, password string, wrong func()) (id identity.AccountID, undo func(), ok bool) {
	undo, ok = b.try(w, r, "credential", b.canonical(r.Context(), username))
	if !ok {
		return "", nil, false
	}
	id, err := b.Credential(r.Context(), username, password)
	switch {
	case errors.Is(err, ErrWrong):
		wrong()
		return "", nil, false
	case err != nil:
		undo()
		b.refuse(w, r, err)
		return "", nil, false
	}
	return id, undo, true
}

// canonical is the name under which tries at an account are counted: the
// account's id where the user name leads to one, so that its other spellings
// do not count apart; else the name itself, so that unknown ones lock alike.
func (b *broker) canonical(ctx context.Context, username string) string {
	if accounts, err := b.Directory.ByUsername(ctx, username); err == nil && len(accounts) == 1 {
		return "id " + string(accounts[0].ID)
	}
	return "name " + strings.ToLower(strings.TrimSpace(norm.NFKC.String(username)))
}
