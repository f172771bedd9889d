package proxy

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// gate is the decision for one request: forward, send to sign in, send to
// link, 401, 403 or 503. It reads the method and the path for the rules, the
// cookies, and nothing else of the request; overrides, agent and address never
// count.
func (p *Proxy) gate(x *exchange, r *http.Request, ruled *ruled) {
	now := p.config.Now()
	ruling := ruled.rules.judge(r.Method, x.path, now)
	x.rule, x.backend = ruling.rule, ruled.byRule[ruling.rule]
	if ruling.api() {
		x.person = false
	}
	if why := ruling.denied(); why.Status != 0 {
		p.refuse(x, metrics.Forbidden, why)
		return
	}
	switch ruling.access() {
	case Public:
		p.forwardNobody(x, r)
		return
	case Optional:
		if held, ok := p.config.Jar.Open(r).(*session.Session); ok && p.config.Validity(held) == Live &&
			p.admit(r, held, now).Action == Forward {
			p.forwardSession(x, r, held)
		} else {
			p.forwardNobody(x, r)
		}
		return
	}
	stage := p.config.Jar.Open(r)
	held, _ := stage.(*session.Session)
	ended := false
	if held != nil {
		switch p.config.Validity(held) {
		case Live:
		case Changed:
			p.toLink(x, r, ReasonStandingChanged)
			return
		case Ended:
			held, stage, ended = nil, nil, true
		default:
			p.refuse(x, metrics.Unavailable, Refusal{
				Status: http.StatusServiceUnavailable, Reason: ReasonFeed, RetryAfter: 5 * time.Second,
			})
			return
		}
	}
	if held == nil {
		if p.config.Login != nil && plain(x.path) && p.config.Login(x.path, stage, now) {
			p.forwardNobody(x, r)
			return
		}
		p.toSignIn(x, r, stage, ended)
		return
	}
	switch verdict := p.admit(r, held, now); verdict.Action {
	case Forward:
		if why := ruling.lacks(held, now); why.Status != 0 {
			if !p.stepUp(x, r, held, why) {
				p.refuse(x, metrics.Forbidden, why)
			}
			return
		}
		p.forwardSession(x, r, held)
	case ToLink:
		p.toLink(x, r, verdict.Reason)
	default:
		p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: verdict.Reason})
	}
}

// admit judges a session for one request. To read is GET and HEAD, on no
// connection that becomes another, and without a header by which some portals
// take a request for another one.
func (p *Proxy) admit(r *http.Request, held *session.Session, now time.Time) Verdict {
	verdict := p.config.Admit(held, now)
	if verdict.Action != Read {
		return verdict
	}
	verdict.Action = Forward
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		verdict.Action = ToLink
	}
	for _, name := range []string{"Upgrade", "Sec-Websocket-Key", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		if len(r.Header[name]) > 0 {
			verdict.Action = ToLink
		}
	}
	return verdict
}

// toSignIn sends a person to the chooser, or with a proof on to the link
// screen, which knows where to return, or to the rule's provider; a program is
// told 401.
func (p *Proxy) toSignIn(x *exchange, r *http.Request, stage session.Stage, ended bool) {
	if !x.person {
		p.refuse(x, metrics.Unauthorized, Refusal{Status: http.StatusUnauthorized, Reason: ReasonSignIn})
		return
	}
	if ended {
		p.config.Jar.Clear(x)
	}
	if _, proved := stage.(*session.Proof); proved {
		p.redirect(x, r, metrics.Link, p.config.Prefix+"/link")
		return
	}
	place := p.config.Prefix + "/sign-in?rd=" + p.returnTo(r)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && !(!ended && p.keep(x, r)):
		place += "&unsent=1" // the page says that what was sent did not arrive
	case x.rule != nil && x.rule.Provider != "":
		place = p.config.Prefix + "/start?provider=" + url.QueryEscape(x.rule.Provider) + "&rd=" + p.returnTo(r)
	}
	p.redirect(x, r, metrics.SignIn, place)
}

// stepUp sends a person to sign in as the rule needs, back to this page, and
// has the form that they sent kept. Whoever was sent a short while ago and
// still lacks it is refused: the provider cannot. A sign-in that has grown old
// since then is another matter.
func (p *Proxy) stepUp(x *exchange, r *http.Request, held *session.Session, why Refusal) bool {
	if x.rule == nil || !x.rule.StepUp || !x.person {
		return false
	}
	needs, grownOld := &x.rule.Needs, false
	switch why.Reason {
	case ReasonAuthenticationLevel:
	case ReasonSignInTooOld:
		grownOld = p.config.Now().Sub(held.Begun) >= needs.MaxAge
	default:
		return false
	}
	demand := session.Demand{Level: strings.Join(needs.AuthenticationLevels, " "), MaxAge: needs.MaxAge, Prompt: x.rule.Prompt}
	if p.config.Jar.Raised(r, demand) && !grownOld {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !p.keep(x, r) {
		return false // the page says that what was sent did not arrive
	}
	p.redirect(x, r, metrics.SignIn, p.config.Prefix+"/start?rd="+p.returnTo(r)+"&"+demand.Query().Encode())
	return true
}

// keep has a form kept that met an expired session, or one that signed in too
// long ago: one that the browser's
// cookie still proves, and that nobody ended.
func (p *Proxy) keep(x *exchange, r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if p.config.Keep == nil || x.asked != notAsked || r.Method != http.MethodPost ||
		lower(strings.TrimSpace(kind)) != "application/x-www-form-urlencoded" || !p.fromHere(r) {
		return false
	}
	last := p.config.Jar.Last(r)
	return last != nil && p.config.Validity(last) == Live && p.config.Keep(x, r, last)
}

// toLink sends a person to the link screen; a program is told 403 and why.
func (p *Proxy) toLink(x *exchange, r *http.Request, reason string) {
	if !x.person {
		p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: reason})
		return
	}
	x.reason = reason
	p.redirect(x, r, metrics.Link, p.config.Prefix+"/link?rd="+p.returnTo(r))
}

func (p *Proxy) returnTo(r *http.Request) string {
	return url.QueryEscape(session.ReturnTo(r.RequestURI, p.config.Prefix))
}

// redirect answers 302 to GET and HEAD, 303 to the rest (RFC 9110, 15.4). The
// place has no scheme and host: the browser keeps those it has.
func (p *Proxy) redirect(x *exchange, r *http.Request, decision metrics.Decision, place string) {
	x.decision = decision
	status := http.StatusSeeOther
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusFound
	}
	answerHeaders(x, r)
	if x.asked != notAsked {
		// Front proxies would take a path for one of ours as they reach us.
		place = p.config.PublicURL.Scheme + "://" + p.config.PublicURL.Host + place
	}
	if x.asked == byStatus {
		status = http.StatusUnauthorized
	}
	x.Header().Set("Location", place)
	x.WriteHeader(status)
}

// forwardNobody forwards without an identity, and without an upgrade.
func (p *Proxy) forwardNobody(x *exchange, r *http.Request) {
	if !p.pace(x, r, "") {
		return
	}
	x.decision = metrics.Public
	if x.asked != notAsked {
		p.allow(x, nil)
		return
	}
	r.Header.Del("Upgrade")
	p.upstream.serve(x, r)
}

// reseal writes the session's cookie anew where it is time for that.
func (p *Proxy) reseal(w http.ResponseWriter, s *session.Session) {
	if p.config.Jar.Refresh(w, s) && p.config.Resealed != nil {
		p.config.Resealed(s)
	}
}

// forwardSession forwards with the session's identity.
func (p *Proxy) forwardSession(x *exchange, r *http.Request, s *session.Session) {
	if !p.pace(x, r, string(s.ID[:])) {
		return
	}
	f, err := factsOf(s)
	if err == nil {
		headers := p.config.Headers
		if x.rule != nil && x.rule.Headers != nil {
			headers = x.rule.Headers
		}
		x.values, err = valuesOf(headers, &f, func() (string, error) {
			if p.config.Assertion == nil {
				return "", nil
			}
			return p.config.Assertion.of(s.ID, &f)
		})
	}
	if err != nil {
		// The text names a header at most, never a value.
		p.config.Logger.LogAttrs(r.Context(), slog.LevelWarn, "identity cannot be forwarded", slog.String("cause", err.Error()))
		p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: ReasonIdentity})
		return
	}
	x.session = s
	if x.asked != notAsked {
		if len(r.Header["Sec-Websocket-Key"]) > 0 && !p.fromHere(r) {
			p.refuse(x, metrics.Forbidden, Refusal{Status: http.StatusForbidden, Reason: ReasonOrigin})
			return
		}
		x.decision = metrics.Forward
		p.allow(x, s)
		return
	}
	if !p.config.PassAuthorization && (x.rule == nil || !x.rule.PassAuthorization) {
		r.Header.Del("Authorization")
	}
	if upgrade := r.Header["Upgrade"]; len(upgrade) > 0 {
		if isWebSocket(r) {
			p.forwardWebSocket(x, r, s)
			return
		}
		r.Header.Del("Upgrade")
	}
	x.decision = metrics.Forward
	p.upstream.serve(x, r)
}
