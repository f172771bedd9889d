package proxy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"vneid-proxy/identity"
)

// Access is what a rule says of the paths it is for.
type Access string

// The accesses. Public and Optional loosen; the rest tighten.
const (
	Public    Access = "public"    // to all, without an identity
	Optional  Access = "optional"  // to all, with the identity of whoever is admitted
	Protected Access = "protected" // to whoever is admitted
	API       Access = "api"       // the same, and a refusal is never a redirect or a page
	Denied    Access = "deny"      // to nobody
)

func (a Access) loosens() bool { return a == Public || a == Optional }

// Rule is one entry of the ordered list that says who may ask for what.
type Rule struct {
	// Path is a plain path: the rule is for it and for what lies under it at a
	// slash. Exact is for the one path alone. One of them is required.
	Path, Exact string
	// Methods are upper-case; GET covers HEAD. None is all.
	Methods []string
	Access  Access
	// Needs are asked of whoever is admitted; only with Protected and API.
	Needs Needs
	// Provider is whose sign-in a person is sent to, instead of to the choice of
	// all; only with Protected. It must be one that the broker knows.
	Provider string
	// StepUp sends whoever lacks the authentication level, or signed in too long
	// ago, to sign in again, once; only with Needs.AuthenticationLevels or
	// Needs.MaxAge.
	StepUp bool
	// Prompt is "login" where the provider is to ask people anew whatever it
	// remembers of them; only with StepUp.
	Prompt string
	// From and Before bound the time in which the rule is there at all; zero
	// is no bound.
	From, Before time.Time

	// Upstream is another one than Config.Upstream; nil is that one.
	Upstream *url.URL
	// UpstreamHTTP2 is Config.UpstreamHTTP2 for that one.
	UpstreamHTTP2 bool
	// ResponseTimeout is another one than Config.ResponseTimeout; 0 is that
	// one.
	ResponseTimeout time.Duration
	// MaxBody is another one than Config.MaxBody; 0 is that one.
	MaxBody int64
	// Headers are other identity headers than Config.Headers; nil is those.
	Headers []Header
	// PassAuthorization lets the Authorization header through.
	PassAuthorization bool
}

// Needs are what a session must have; the zero value asks for nothing. Of each
// list one entry is enough.
type Needs struct {
	Standings            []identity.Standing
	Kinds                []identity.Kind
	Roles                []string
	AccountLevel         int // at least
	AuthenticationLevels []string
	// MaxAge is how long ago the person may have proved to the provider who they
	// are, in whole seconds, from a minute to a day; 0 does not ask.
	MaxAge time.Duration
}

// Rules is an ordered list of rules, checked. It does not change; another list
// takes its place.
type Rules struct{ list []rule }

type rule struct {
	Rule
	number int    // from 1
	path   string // Path or Exact, without the slash at its end
	exact  bool
}

// NewRules checks a list, every fault of it at once.
func NewRules(list []Rule) (*Rules, error) {
	rs := &Rules{list: make([]rule, 0, len(list))}
	var faults []error
	for i, r := range list {
		for _, fault := range r.faults() {
			faults = append(faults, fmt.Errorf("rule %d: %w", i+1, fault))
		}
		faults = append(faults, checkHeaders(r.Headers)...)
		known := rule{Rule: r, number: i + 1, path: r.Path, exact: r.Exact != ""}
		if known.exact {
			known.path = r.Exact
		}
		known.path = strings.TrimSuffix(known.path, "/")
		rs.list = append(rs.list, known)
	}
	return rs, errors.Join(faults...)
}

func (r *Rule) faults() (faults []error) {
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse((r.Path == "") == (r.Exact == ""), "write either path or exact")
	refuse(!plain(r.Path+r.Exact), "%q is no plain path: letters, digits and . _ ~ @ - between single slashes", r.Path+r.Exact)
	switch r.Access {
	case Public:
		refuse(r.Path == "/", "path / would open the whole portal; write exact: / for its first page")
	case Optional, Protected, API, Denied:
	default:
		refuse(true, "unknown access %q; there are public, optional, protected, api and deny", r.Access)
	}
	for _, method := range r.Methods {
		refuse(method == "" || strings.ContainsFunc(method, func(c rune) bool { return c < 'A' || c > 'Z' }), "method %q is not in capitals", method)
	}
	needs := &r.Needs
	asks := len(needs.Standings)+len(needs.Kinds)+len(needs.Roles)+len(needs.AuthenticationLevels) > 0 || needs.AccountLevel > 0 || needs.MaxAge != 0
	refuse(asks && r.Access != Protected && r.Access != API, "only protected and api can ask for something")
	for _, standing := range needs.Standings {
		refuse(!slices.Contains(admitted(), standing), "no admitted session has the standing %q; there are linked, skipped, pending, exempt and none", standing)
	}
	for _, kind := range needs.Kinds {
		refuse(kind != identity.KindCitizen && kind != identity.KindOfficial && kind != identity.KindOrganisation,
			"unknown kind of account %q; there are citizen, official and organisation", kind)
	}
	refuse(needs.AccountLevel < 0 || needs.AccountLevel > 2, "account_level is 1 or 2")
	refuse(!r.From.IsZero() && !r.Before.IsZero() && !r.From.Before(r.Before), "it ends before it begins")
	refuse(r.Upstream != nil && !origin(r.Upstream), "the upstream must be http or https with a host and nothing else")
	refuse(r.UpstreamHTTP2 && r.Upstream == nil, "http2 goes with an upstream of the rule's own")
	refuse(r.ResponseTimeout < 0, "the response timeout is not positive")
	refuse(r.MaxBody < 0, "max_body is not positive")
	refuse(r.Provider != "" && r.Access != Protected, "only protected sends people to a provider")
	refuse(needs.MaxAge != 0 && (needs.MaxAge < time.Minute || needs.MaxAge > 24*time.Hour || needs.MaxAge%time.Second != 0),
		"max_age is from 1m to 24h, in whole seconds")
	refuse(r.StepUp && len(needs.AuthenticationLevels) == 0 && needs.MaxAge == 0, "step_up needs an authentication_level to raise to, or a max_age")
	refuse(r.Prompt != "" && (r.Prompt != "login" || !r.StepUp), "prompt is login, and goes with step_up")
	refuse(r.PassAuthorization && (r.Access == Public || r.Access == Denied), "only a rule that knows who asks can pass Authorization; on public paths it passes anyway")
	return faults
}

// admitted are the standings that a policy may let through.
func admitted() []identity.Standing {
	return []identity.Standing{
		identity.StandingLinked, identity.StandingSkipped, identity.StandingPending, identity.StandingExempt, identity.StandingNone,
	}
}

// headers are all headers that a list could set.
func (rs *Rules) headers() (all []Header) {
	for _, r := range rs.list {
		all = append(all, r.Headers...)
	}
	return all
}

// there reports whether the rule is in its time and for the method.
func (r *rule) there(method string, now time.Time) bool {
	if !r.From.IsZero() && now.Before(r.From) || !r.Before.IsZero() && !now.Before(r.Before) {
		return false
	}
	if len(r.Methods) == 0 {
		return true
	}
	if !r.Access.loosens() {
		// Some servers read "post" as POST.
		method = strings.ToUpper(method)
	}
	return slices.Contains(r.Methods, method) || method == "HEAD" && slices.Contains(r.Methods, "GET")
}

// is reports whether one reading of a path is the rule's own.
func (r *rule) is(reading string) bool {
	if r.exact {
		return reading == r.path || len(reading) == len(r.path)+1 && reading[len(r.path)] == '/' && reading[:len(r.path)] == r.path
	}
	return r.path == "" || under(reading, r.path)
}

// opened reports whether a loosening rule opens a plain raw path: as written,
// its slash at the end included.
func (r *rule) opened(raw string) bool {
	if r.exact {
		return raw == r.Exact
	}
	return under(raw, r.Path)
}

// Len is how many rules there are.
func (rs *Rules) Len() int { return len(rs.list) }
