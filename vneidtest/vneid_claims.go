package vneidtest

import (
	"context"
	"strconv"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// SetUserinfoFromScopes leaves the ID token to SetUserinfoFromRequest.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the ID token: the subject and the session id,
// nothing about the person.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	info.Subject = r.GetSubject()
	if a, ok := r.(*attempt); ok {
		info.AppendClaims("sid", a.sessionID)
	}
	return nil
}

// SetUserinfoFromToken fills userinfo (OpenID Connect Core, section 5.3) with
// who the person is.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	s.mu.Lock()
	t, ok := s.tokens[tokenID]
	s.mu.Unlock()
	if !ok || t.subject != subject || !s.now().Before(t.expires) {
		return errUnknown
	}
	who, ok := persona(s.personas, func(p Persona) bool {
		return (p.VNeID.Subject == subject) != s.on("wrong_sub")
	})
	if !ok {
		return errUnknown
	}
	level := who.AccountLevel
	if other, err := strconv.Atoi(s.value("account_level")); err == nil {
		level = other
	}
	info.Subject, info.Name, info.Birthdate = who.VNeID.Subject, who.Name, who.BirthDate
	info.AppendClaims("accountLevel", level)
	if acts := who.Organisation; acts != nil && s.on("acting") {
		info.AppendClaims("accountType", "organisation")
		info.AppendClaims("organisationId", acts.ID)
		info.AppendClaims("organisationTaxCode", acts.TaxCode)
		info.AppendClaims("organisationName", acts.Name)
		info.AppendClaims("organisationRole", acts.Role)
	} else {
		info.AppendClaims("accountType", "person")
	}
	if s.claims != nil {
		for name, value := range s.claims(who) {
			info.AppendClaims(name, value)
		}
	}
	if !s.on("no_citizen_number") {
		info.AppendClaims("citizenPid", who.CitizenNumber)
	}
	return nil
}
