package screen

import "time"

// Notice is a short word above a page: the key of a text. The empty one
// shows nothing, an unknown one general words.
type Notice string

// The notices of SignIn and Identity.
const (
	NoticeExpired      Notice = "expired"       // the attempt or session ran out; nothing is lost
	NoticeSignedOut    Notice = "signed_out"    // the session was ended
	NoticeProviderDown Notice = "provider_down" // VNeID does not answer at present
	NoticeUpdated      Notice = "updated"       // the number was confirmed and linked
	NoticePending      Notice = "pending"       // the check awaits its answer
	NoticeUnsent       Notice = "unsent"        // what was sent without a session must be sent again
	NoticeSkipped      Notice = "skipped"       // may still be updated on this page

	NoticeUnlinkAsked     Notice = "unlink_asked"     // the link will end
	NoticeUnlinkWithdrawn Notice = "unlink_withdrawn" // it will not
)

// Provider is one button of the chooser.
type Provider struct {
	Name  string // as start?provider= names it
	Title string // on the button; "" is VNeID's own title in the page's language
}

// SignIn is the chooser: VNeID, other providers, and while the policy allows
// it the portal's own account.
type SignIn struct {
	ReturnTo  string     // path first asked for; "" is the portal's start
	Providers []Provider // the first is the main button

	PortalLogin      string    // address of the portal's own sign-in through us; "" is not allowed
	PortalLoginUntil time.Time // last day on which the portal's account works; zero says nothing about it

	// CredentialForm shows a user name and password form that posts to
	// sign-in/legacy. CSRF, Username and Error belong to it.
	CredentialForm bool
	CSRF           string
	Username       string
	Error          FieldError

	Notice Notice
}

func (SignIn) template() string   { return "sign-in" }
func (p SignIn) returnTo() string { return p.ReturnTo }

// Errors is Error as the shared parts of the templates take it.
func (p SignIn) Errors() FieldErrors {
	if p.Error == "" {
		return nil
	}
	return FieldErrors{FieldUsername: p.Error}
}

// Credential is the form's two fields.
func (p SignIn) Credential() credential { return credential{p.Username, p.Errors()} }
