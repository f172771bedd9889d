package proxy

import (
	"slices"
	"strings"
	"time"

	"vneid-proxy/session"
)

// ruling is what the rules say of one request: the rule that decides, and
// those that must be satisfied as well.
type ruling struct {
	rule *rule   // nil where no rule decides: then the path is protected
	also []*rule // earlier rules that another reading of the path falls under
}

// judge walks the list in order. A rule that is for the path in every reading
// of it decides, and the walk ends. A rule that is for it in some reading only
// must be satisfied as well if it tightens, and counts as none if it loosens:
// nobody knows which reading the portal will take.
func (rs *Rules) judge(method, raw string, now time.Time) (found ruling) {
	if len(rs.list) == 0 {
		return found
	}
	if plain(raw) {
		return rs.judgePlain(method, raw, now)
	}
	readings := allReadings(raw)
	for i := range rs.list {
		r := &rs.list[i]
		if r.Access.loosens() || !r.there(method, now) {
			continue
		}
		every, some := true, false
		for _, reading := range readings {
			every = every && r.is(reading)
			some = some || r.is(reading) || r.folded(reading)
		}
		if every {
			found.rule = r
			return found
		}
		if some {
			found.also = append(found.also, r)
		}
	}
	return found
}

// judgePlain is judge for a path that everybody reads alike, but for the case
// of its letters.
func (rs *Rules) judgePlain(method, raw string, now time.Time) (found ruling) {
	for i := range rs.list {
		r := &rs.list[i]
		loosens := r.Access.loosens()
		switch {
		case loosens && !r.opened(raw), !loosens && !r.folded(raw):
		case !r.there(method, now):
		case loosens || r.is(raw):
			found.rule = r
			return found
		default:
			found.also = append(found.also, r)
		}
	}
	return found
}

// folded is is, whatever the case of the letters.
func (r *rule) folded(reading string) bool {
	n := len(r.path)
	if len(reading) < n || !strings.EqualFold(reading[:n], r.path) {
		return false
	}
	rest := reading[n:]
	return rest == "" || rest == "/" || rest[0] == '/' && !r.exact
}

// allReadings is every way in which a server may read a path that is not
// plain.
func allReadings(raw string) (readings []string) {
	once := decode(raw)
	anyReading([]string{raw, once, decode(once)}, func(reading string) bool {
		if !slices.Contains(readings, reading) {
			readings = append(readings, reading)
		}
		return false
	})
	return readings
}

// access is what is asked of everybody: what the deciding rule says, unless it
// loosens and another rule is to be satisfied as well.
func (g ruling) access() Access {
	if g.rule == nil || g.rule.Access.loosens() && len(g.also) > 0 {
		return Protected
	}
	return g.rule.Access
}

// api reports whether a refusal is for a program, whoever asks.
func (g ruling) api() bool {
	return g.access() == API || slices.ContainsFunc(g.also, func(r *rule) bool { return r.Access == API })
}

// denied is the refusal where a rule lets nobody through; no status is none.
func (g ruling) denied() (why Refusal) {
	for _, r := range g.all() {
		if r.Access != Denied {
			continue
		}
		if !r.From.IsZero() {
			return Refusal{Status: 403, Reason: ReasonClosed}
		}
		return Refusal{Status: 403, Reason: ReasonDenied}
	}
	return why
}

// lacks is the refusal where the session has not what a rule needs; no status
// is none.
func (g ruling) lacks(s *session.Session, now time.Time) (why Refusal) {
	for _, r := range g.all() {
		if reason := r.Needs.lacking(s, now); reason != "" {
			return Refusal{Status: 403, Reason: reason}
		}
	}
	return why
}

func (g ruling) all() []*rule {
	if g.rule == nil {
		return g.also
	}
	return append(slices.Clip(g.also), g.rule)
}

// lacking is the first need that a session does not meet, as the reason of a
// refusal; "" is none. What nobody vouches for any more does not count, and a
// time that nobody told is too long ago.
func (n *Needs) lacking(s *session.Session, now time.Time) string {
	has := func(role string) bool { return slices.Contains(s.Account.Roles, role) }
	switch {
	case len(n.Standings) > 0 && !slices.Contains(n.Standings, s.Standing):
		return ReasonStanding
	case len(n.Kinds) > 0 && !slices.Contains(n.Kinds, s.Account.Kind):
		return ReasonKind
	case len(n.Roles) > 0 && !slices.ContainsFunc(n.Roles, has):
		return ReasonRole
	case s.Citizen.AccountLevel < n.AccountLevel:
		return ReasonAccountLevel
	case len(n.AuthenticationLevels) > 0 && !slices.Contains(n.AuthenticationLevels, s.Citizen.AuthenticationLevel):
		return ReasonAuthenticationLevel
	case n.MaxAge > 0 && now.Sub(s.Authenticated) >= n.MaxAge:
		return ReasonSignInTooOld
	}
	return ""
}

// Explanation says which rule decides on a request, for the operator.
type Explanation struct {
	Rule   int // from 1; 0 where none does, so that the path is protected
	Access Access
	Also   []int // earlier rules that must be satisfied as well
	Plain  bool  // whether the path has one reading only; if not, nothing opens it
}

// Explain judges a method and a request target as a request's would be.
func (rs *Rules) Explain(method, target string, now time.Time) Explanation {
	raw, _, _ := strings.Cut(target, "?")
	g := rs.judge(method, raw, now)
	e := Explanation{Access: g.access(), Plain: plain(raw)}
	if g.rule != nil {
		e.Rule = g.rule.number
	}
	for _, r := range g.also {
		e.Also = append(e.Also, r.number)
	}
	return e
}
