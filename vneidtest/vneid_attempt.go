package vneidtest

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// attempt is one authorization request from its arrival until its code is
// redeemed. The library is always given a copy.
type attempt struct {
	id        string
	asked     oidc.AuthRequest
	expires   time.Time
	nonce     string   // as asked, unless a knob says otherwise
	audience  []string // likewise
	subject   string   // "" until somebody has signed in
	sessionID string
	signedIn  time.Time
	sealed    bool // on the encrypted wire, which the library knows nothing of
}

func (a *attempt) GetID() string                      { return a.id }
func (a *attempt) GetACR() string                     { return "" }
func (a *attempt) GetAMR() []string                   { return []string{"pwd"} }
func (a *attempt) GetAudience() []string              { return a.audience }
func (a *attempt) GetAuthTime() time.Time             { return a.signedIn }
func (a *attempt) GetClientID() string                { return a.asked.ClientID }
func (a *attempt) GetNonce() string                   { return a.nonce }
func (a *attempt) GetRedirectURI() string             { return a.asked.RedirectURI }
func (a *attempt) GetResponseType() oidc.ResponseType { return a.asked.ResponseType }
func (a *attempt) GetResponseMode() oidc.ResponseMode { return a.asked.ResponseMode }
func (a *attempt) GetScopes() []string                { return a.asked.Scopes }
func (a *attempt) GetState() string                   { return a.asked.State }
func (a *attempt) GetSubject() string                 { return a.subject }
func (a *attempt) Done() bool                         { return a.subject != "" }
func (a *attempt) GetCodeChallenge() *oidc.CodeChallenge {
	if a.asked.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: a.asked.CodeChallenge, Method: a.asked.CodeChallengeMethod}
}
