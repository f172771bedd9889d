package main

import (
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

func policyConfig(t *testing.T) config.Config {
	c := config.Config{Link: config.Link{Mode: "enforce", OnNoAccount: "refuse"}}
	require.NoError(t, c.Link.SkipUntil.UnmarshalText([]byte("2026-06-30")))
	c.Portal.LoginURL, c.Directory.CredentialURL = &url.URL{Path: "/l"}, &url.URL{Path: "/c"}
	return c
}

// TestPolicyExample: what the document shows is what holds.
func TestPolicyExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/policy.example.yaml")
	require.NoError(t, err)
	policy, err := parsePolicy(policyConfig(t), text)
	require.NoError(t, err)
	day := func(text string) link.Day {
		at, err := time.ParseInLocation(time.DateOnly, text, vietnam())
		require.NoError(t, err)
		return link.DayOf(at)
	}
	base := link.Terms{LegacySignInUntil: day("2026-12-31"), SkipUntil: day("2026-09-30"), SkipLimit: 10}
	assert.Equal(t, base, policy.Default)
	terms := func(a identity.Account) link.Terms { return policy.TermsOf(policy.ClassOf(a)) }
	card, err := identity.ParseIDCardNumber("990123456")
	require.NoError(t, err)
	number, err := identity.VouchedCitizenNumber("099204001238")
	require.NoError(t, err)

	want := base
	want.PassNoAccount = true
	assert.Equal(t, want, terms(identity.Account{Kind: identity.KindCitizen, Number: number}))
	assert.Equal(t, want, policy.NoAccount())
	want.After = link.UseEnds
	assert.Equal(t, want, terms(identity.Account{Kind: identity.KindCitizen, IDCard: card}))
	want.After, want.SkipUntil, want.Proof, want.ReviewWeak = link.ReadOnly, day("2026-12-31"), link.CredentialProof, true
	assert.Equal(t, want, terms(identity.Account{Kind: identity.KindCitizen, IDCard: card, CreatedBy: identity.CreatedByOfficial, Group: "dao"}), "the first that fits")
	want = base
	want.SkipUntil = link.Day{}
	assert.Equal(t, want, terms(identity.Account{Kind: identity.KindOfficial, IDCard: card}))
	want.LegacySignInUntil, want.SkipUntil, want.SkipLimit = day("2027-06-30"), day("2027-06-30"), 0
	assert.Equal(t, want, terms(identity.Account{Kind: identity.KindOrganisation, Group: "vung-cao"}))
}

// TestWithoutAPolicyFile: nothing is otherwise than the environment says.
func TestWithoutAPolicyFile(t *testing.T) {
	c := policyConfig(t)
	policy, err := parsePolicy(c, nil)
	require.NoError(t, err)
	assert.Equal(t, link.Policy{Default: link.Terms{SkipUntil: link.DayOf(c.Link.SkipUntil.Time())}}, policy)
	for _, text := range []string{"default: {}", "kinds: {}", "cohorts: []"} {
		same, err := parsePolicy(c, []byte(text))
		require.NoError(t, err)
		for _, kind := range append(kinds(), "robot") {
			assert.Equal(t, policy.Default, same.TermsOf(link.Class{Kind: kind}))
		}
	}
}

func TestPolicyFaultsAreAllNamed(t *testing.T) {
	c := policyConfig(t)
	c.Portal.LoginURL = nil
	_, err := parsePolicy(c, []byte(`
default: {after: perhaps, no_account: provision, skip_limit: -1}
kinds: {robot: {}, organisation: {no_account: pass}}
cohorts:
  - {name: West, who: {kind: [robot]}}
  - {name: a, who: {}, terms: {proof: portal_session}}
  - {name: a, who: {holds: [nothing at all], created_by: [me]}, terms: {no_account: pass, weak_match: maybe}}
`))
	require.Error(t, err)
	for _, want := range []string{
		"default.after: write link, read_only, refuse", "default.no_account: write refuse or pass: no directory of this release can make accounts",
		"default.skip_limit: write how often", "kinds: write citizen, official, organisation", "kinds.organisation.no_account: write it under default or kinds.citizen",
		"cohorts[1].name: write small letters", "cohorts[1].who.kind: write citizen", "cohorts[2].who: write at least one",
		"cohort a.proof: set PORTAL_LOGIN_URL", "cohorts[3].name: write another name", "cohorts[3].who.holds: write verified, typed, id_card, nothing",
		"cohorts[3].who.created_by: write self, official", "cohort a.no_account: write it under", "cohort a.weak_match: write accept, review",
	} {
		assert.Contains(t, err.Error(), want)
	}
	c.Directory.CredentialURL = nil
	_, err = parsePolicy(c, []byte("default: {legacy_sign_in_until: 2026-12-31, proof: credential}"))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "default.legacy_sign_in_until: remove it")
	assert.Contains(t, err.Error(), "default.proof: set DIRECTORY_CREDENTIAL_URL")
}

func TestPolicyMoment(t *testing.T) {
	now := time.Now()
	at, err := policyMoment("", now)
	require.NoError(t, err)
	assert.Equal(t, now, at)
	at, err = policyMoment("2026-07-01", now)
	require.NoError(t, err)
	assert.Equal(t, "2026-07-01T12:00:00+07:00", at.Format(time.RFC3339))
	at, err = policyMoment("2026-06-30T17:00:00Z", now)
	require.NoError(t, err)
	assert.Equal(t, "2026-07-01T00:00:00+07:00", at.In(vietnam()).Format(time.RFC3339))
	for _, bad := range []string{"tomorrow", "2026-02-30", "01/07/2026"} {
		_, err = policyMoment(bad, now)
		assert.Error(t, err, bad)
	}
}

// TestDatesOfAPolicyFile: check warns of its days, and of the environment's
// where they still hold for somebody.
func TestDatesOfAPolicyFile(t *testing.T) {
	c := policyConfig(t) // SKIP_UNTIL is 2026-06-30
	now := func() time.Time { return time.Date(2026, 6, 25, 12, 0, 0, 0, vietnam()) }
	says := func(text string) (all []string) {
		c.Link.PolicyFile = policyText(t, text)
		for _, found := range (&inspection{config: c, now: now}).dates() {
			all = append(all, string(found.State)+" "+found.Says+" "+found.Mend)
		}
		return all
	}
	some := says("kinds: {official: {skip_until: 2026-06-20}}\ncohorts: [{name: west, who: {kind: [citizen], group: [w]}, terms: {legacy_sign_in_until: 2026-06-28, skip_until: never}}]")
	require.Len(t, some, 3)
	assert.Contains(t, some[0], "warning skipping ends on 2026-06-30 VNEID_PROXY_SKIP_UNTIL")
	assert.Contains(t, some[1], "the sign-in by portal account of citizen in west ends on 2026-06-28 VNEID_PROXY_POLICY_FILE")
	assert.Contains(t, some[2], "skipping of official ended on 2026-06-20 VNEID_PROXY_POLICY_FILE")
	none := says("default: {skip_until: 2027-06-30}")
	require.Len(t, none, 1)
	assert.Contains(t, none[0], "ok no date of the policy is past or near")
}
