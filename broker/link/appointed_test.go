package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/identity"
)

// Whatever the directory finds, a provider without links lets nobody in but to
// one open account of a kind that is its own.
func TestAppointed(t *testing.T) {
	kinds := []identity.Kind{"", identity.KindCitizen, identity.KindOfficial, identity.KindOrganisation, "another"}
	var accounts []identity.Account
	for _, kind := range kinds {
		accounts = append(accounts, identity.Account{ID: "a", Kind: kind}, identity.Account{ID: "b", Kind: kind, Locked: true})
	}
	policies := map[string][]identity.Kind{
		"nobody": nil, "officials": {identity.KindOfficial}, "two kinds": {identity.KindOfficial, identity.KindOrganisation},
		"no kind": {""}, "everybody": kinds,
	}
	admitted := 0
	for name, own := range policies {
		p := Appointed{own}
		refused := Decision{Action: Refuse, Reason: NotAppointed}
		assert.Equal(t, refused, p.Decide(nil), name)
		for _, first := range accounts {
			for _, second := range accounts {
				assert.Equal(t, refused, p.Decide([]identity.Account{first, second}), "%s: two are nobody's", name)
			}
			want := refused
			for _, kind := range own {
				switch {
				case kind == "" || kind != first.Kind:
				case first.Locked:
					want = Decision{Action: Refuse, Reason: Locked}
				default:
					want = Decision{Action: Admit, Standing: identity.StandingNone}
					admitted++
				}
			}
			assert.Equal(t, want, p.Decide([]identity.Account{first}), "%s: %q", name, first.Kind)
		}
	}
	assert.Equal(t, 1+2+4, admitted)
}
