// Package broker is the story of a sign-in: SignIn brings a citizen or an
// account to the door, Link ties the two together, SignOut ends it. The three
// are HTTP handlers over a provider, a directory, the population database and
// the ledger; what may happen is decided by the link policy, what people read
// is in screen, and what is forwarded is the proxy's business alone.
//
// A handler never answers "done" before the ledger has it on disk, and any
// fault on the way ends in a page that says what was not lost. Forms carry
// nothing that the server already knows.
package broker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// Provider vouches for citizens. Its errors are Faults.
type Provider interface {
	// AuthURL is where a browser is sent to sign in.
	AuthURL(ctx context.Context, a session.Attempt) (string, error)
	// Redeem turns the raw query of a callback, whose state is already known
	// to be the attempt's and spent, into a citizen.
	Redeem(ctx context.Context, a session.Attempt, rawQuery string) (Vouched, error)
	// EndSessionURL is where a browser is sent to sign out at the provider, who
	// gives the state back; "" where the provider offers none.
	EndSessionURL(ctx context.Context, idToken, state string) string
	// Logout believes a logout token, all but its novelty.
	Logout(ctx context.Context, token string) (Logout, error)
	// Addresses reports whether a logout token names this provider and us, by
	// its own word alone: it tells whose Logout is to judge it.
	Addresses(token string) bool
	// Issuer is who the provider calls itself; "" where it has no such name.
	Issuer() string
	// Subjects is the Citizen.Provider of those it vouches for.
	Subjects() string
}

// Vouched is what a provider says at the end of a sign-in.
type Vouched struct {
	Citizen identity.Citizen
	Account string // what it names the account by, "" where it names none
	SID     string // its own session id, "" for none
	IDToken string // for sign-out, "" for none
	// Authenticated is when the person proved to the provider who they are;
	// zero where it does not say.
	Authenticated time.Time
	// Grant is what asking the provider anew needs; zero where it gave nothing
	// for that.
	Grant Grant
}

// Directory is where the portal keeps its accounts. A fault is a Fault; no
// account is ErrNoAccount.
type Directory interface {
	ByID(ctx context.Context, id identity.AccountID) (identity.Account, error)
	// ByUsername, ByCitizenNumber and ByIDCardNumber return 0 to n accounts.
	ByUsername(ctx context.Context, username string) ([]identity.Account, error)
	ByCitizenNumber(ctx context.Context, n identity.CitizenNumber) ([]identity.Account, error)
	ByIDCardNumber(ctx context.Context, n identity.IDCardNumber) ([]identity.Account, error)
}

// Credential checks an old user name and password at the portal. ErrWrong
// covers unknown, wrong and locked alike; anything else is a Fault.
type Credential func(ctx context.Context, username, password string) (identity.AccountID, error)

// WhoAmI asks the portal whose its own session in this request is. ErrNobody
// when it is nobody's; anything else is a Fault.
type WhoAmI func(ctx context.Context, r *http.Request) (identity.AccountID, error)

// Population asks the population database whether number, name and birth date
// are one person's. An error means that there is no answer.
type Population func(ctx context.Context, n identity.CitizenNumber, name string, d identity.BirthDate) (matched bool, err error)

// What the parts answer when all is well and the answer is no.
var (
	ErrNoAccount = errors.New("broker: no such account")
	ErrWrong     = errors.New("broker: wrong user name or password")
	ErrNobody    = errors.New("broker: nobody is signed in at the portal")
	ErrOver      = errors.New("broker: the provider has ended the session")
)

// Fault is a part's failure: what the visitor may read (Reason) apart from
// what the operator logs (Err, which holds nothing personal).
type Fault struct {
	Reason screen.Reason
	Err    error
}

func (f *Fault) Error() string { return string(f.Reason) + ": " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// ConsentVersion names the text that people agree to; it changes with the
// text.
const ConsentVersion = "2026-11"

// Portal describes the portal's own sign-in page.
type Portal struct {
	// LoginURL is the page's path on this origin, "" when the portal's own
	// sign-in is not brokered.
	LoginURL string
	// ReturnParameter is the query parameter that tells the page where to go
	// afterwards, "" when it takes none.
	ReturnParameter string
	// SessionCookies are the names of the portal's own session cookies.
	SessionCookies []string
}

// Config is what the handlers stand on. All is required unless said otherwise.
type Config struct {
	PublicURL  *url.URL
	Prefix     string  // reserved path prefix, "/_vneid"
	Providers  []Offer // in the chooser's order; the first is the main one
	Portal     Portal
	Directory  Directory
	Credential Credential // nil: an old password cannot be proof
	WhoAmI     WhoAmI     // nil when Portal.LoginURL is ""
	Population Population
	Lookup     Lookup // nil: whose an ID-card number is, nobody says
	// Policy is the policy that holds now; it may be another at the next call.
	Policy  func() link.Policy
	Ledger  *ledger.Ledger
	Feed    *ledger.Feed
	Jar     *session.Jar
	Screens *screen.Screens
	Metrics *metrics.Metrics
	Logger  *slog.Logger
	// SessionLifetime is the longest that a session lives: what is kept about
	// it is kept so long.
	SessionLifetime time.Duration
	// UnlinkAfter is how long a citizen may think better of ending a link; 0
	// ends it within seconds.
	UnlinkAfter time.Duration
	// TellAtSignIn shows people what happened to their accounts when they next
	// sign in; false where the portal is told instead.
	TellAtSignIn bool
	Now          func() time.Time // nil is time.Now
	// Client tells the address that a request comes from, where it is known;
	// nil never knows.
	Client func(*http.Request) (string, bool)
	// Source is where a request came from, for the audit: address and port, as
	// far as they are known; nil is whoever holds the connection.
	Source func(*http.Request) netip.AddrPort
}

// broker is what the three types share.
type broker struct{ Config }

// New returns the handler of everything under the reserved prefix that is a
// page or a form of ours.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Client == nil {
		c.Client = func(*http.Request) (string, bool) { return "", false }
	}
	if c.Source == nil {
		c.Source = func(r *http.Request) netip.AddrPort {
			peer, _ := netip.ParseAddrPort(r.RemoteAddr)
			return peer
		}
	}
	b := &broker{c}
	signIn, linking, signOut := &SignIn{b}, &Link{b}, &SignOut{b}
	type route struct {
		path string
		get  http.HandlerFunc // nil: no such method
		post http.HandlerFunc
		call http.HandlerFunc // a POST by the provider's server, from no page of ours
	}
	routes := []route{
		{path: "/sign-in", get: signIn.chooser},
		{path: "/sign-in/legacy", post: signIn.legacy},
		{path: "/start", get: signIn.start},
		{path: "/callback", get: signIn.callback},
		{path: "/portal-return", get: signIn.portalReturn},
		{path: "/link", get: linking.show},
		{path: "/link/update", post: linking.update},
		{path: "/link/skip", post: linking.skip},
		{path: "/link/proof", post: linking.proof},
		{path: "/link/choose", post: linking.choose},
		{path: "/link/none", post: linking.none},
		{path: "/identity", get: linking.identity},
		{path: "/identity/update", post: linking.identityUpdate},
		{path: "/identity/unlink", post: linking.unlink},
		{path: "/identity/keep", post: linking.keep},
		{path: "/sign-out", get: signOut.question, post: signOut.end},
		{path: "/unsent", get: signIn.unsent, call: signIn.resend},
		{path: "/notices", get: signIn.notices, post: signIn.noticed},
		{path: "/session", get: signOut.status},
		{path: "/logout/backchannel", call: signOut.backchannel},
		{path: "/logout/frontchannel", get: signOut.frontchannel},
	}
	for _, further := range c.Providers[1:] {
		routes = append(routes, route{path: b.callbackPath(further), get: signIn.callback})
	}
	mux := http.NewServeMux()
	for _, route := range routes {
		mux.HandleFunc(c.Prefix+route.path, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case route.get != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead):
				route.get(w, r)
			case route.post != nil && r.Method == http.MethodPost:
				if b.readForm(w, r) {
					route.post(w, r)
				}
			case route.call != nil && r.Method == http.MethodPost:
				route.call(w, r)
			default:
				allow := "GET, HEAD"
				switch {
				case route.get == nil:
					allow = "POST"
				case route.post != nil || route.call != nil:
					allow = "GET, HEAD, POST"
				}
				w.Header().Set("Allow", allow)
				b.refuse(w, r, &Fault{screen.MethodNotAllowed, errors.New("no such method here")})
			}
		})
	}
	static := c.Screens.Static()
	mux.Handle(c.Prefix+"/static/", static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		// Only paths that are exactly ours reach the mux: it would clean
		// others and redirect.
		if _, pattern := mux.Handler(r); pattern == "" || !strings.HasPrefix(r.URL.Path, pattern) || r.URL.RawPath != "" {
			b.refuse(w, r, &Fault{screen.NotFound, errors.New("unknown path")})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// live is what the browser holds and nobody has ended, be it by taking its
// provider out of the configuration.
func (b *broker) live(r *http.Request) session.Stage {
	stage := b.Jar.Open(r)
	if s, ok := stage.(*session.Session); ok {
		_, known := b.vouchedBy(s.Citizen)
		if s.Citizen.Subject != "" && !known || b.Feed.State(Ref(s)) == ledger.Ended {
			return nil
		}
	}
	return stage
}

// HeldBy is what the policy asks of a session.
func HeldBy(s *session.Session) link.Held {
	return link.Held{
		Standing: s.Standing, Class: link.Class{Kind: s.Account.Kind, Cohort: s.Account.Cohort},
		Nobody: s.Account.ID == "", ReadOnly: s.ReadOnly, Excused: s.Account.Excused,
	}
}

// Ref is what the revocation feed asks of a session.
func Ref(s *session.Session) ledger.Ref {
	return ledger.Ref{
		SessionID: s.ID, Provider: s.Citizen.Provider, Subject: s.Citizen.Subject, SID: s.ProviderSID,
		Account: s.Account.ID, Begun: s.Begun, Read: s.Read,
	}
}

// refuse writes the page for a fault, counts it and logs what the visitor does
// not read.
func (b *broker) refuse(w http.ResponseWriter, r *http.Request, err error) {
	b.refuseWith(w, r, err, screen.Refused{})
}

// refuseWith does so with the page's further values.
func (b *broker) refuseWith(w http.ResponseWriter, r *http.Request, err error, page screen.Refused) {
	fault := faultOf(err)
	name, title := b.side(r)
	page.Reason, page.Provider = fault.Reason, title
	status := fault.Reason.Status()
	if status == http.StatusServiceUnavailable && page.RetryAfter == 0 {
		page.RetryAfter = 10 * time.Second
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelWarn
	}
	path := r.URL.Path
	if fault.Reason == screen.NotFound {
		path = "" // a visitor's own words do not belong in a log
	}
	b.Logger.Log(r.Context(), level, "refused", "reason", fault.Reason, "path", path,
		"status", status, "reference", page.ReferenceCode, "cause", fault.Err.Error())
	switch fault.Reason {
	case screen.NotFound, screen.MethodNotAllowed:
	default:
		b.Metrics.Step(name, metrics.StepRefused, string(fault.Reason))
	}
	switch fault.Reason {
	case screen.Spent, screen.AlreadyLinked, screen.LegacyClosed, screen.UseEnded, screen.AccountLocked, screen.NoAccount,
		screen.OrganisationAccount, screen.PersonalAccount:
		b.drop(w, r)
	}
	b.Screens.Write(w, r, status, page)
}

// drop takes away a proof that leads nowhere any more: with it the sign-in
// page would lead back to the refusal.
func (b *broker) drop(w http.ResponseWriter, r *http.Request) {
	if _, held := b.Jar.Open(r).(*session.Proof); held {
		b.Jar.Drop(w)
	}
}

// faultOf gives every error a page: an unknown one is the ledger's, whose page
// says that nothing was recorded.
func faultOf(err error) *Fault {
	var fault *Fault
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.Is(err, ledger.ErrSpent):
		return &Fault{screen.Spent, err}
	case errors.Is(err, ledger.ErrAccountTaken), errors.Is(err, ledger.ErrConflict):
		return &Fault{screen.Conflict, err}
	}
	return &Fault{screen.LedgerDown, err}
}

// to answers a redirect within this origin: 302 for what was read, 303 for
// what was posted.
func to(w http.ResponseWriter, r *http.Request, address string) {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", address)
	w.WriteHeader(status)
}
