package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

// The dashboard counts accounts under the cohorts that the policy tells them
// apart by.
func TestAccountsAreCountedByCohort(t *testing.T) {
	policy := link.Policy{Cohorts: []link.Cohort{{Name: "west", Groups: []string{"tây"}}}}
	cohort := accountsRules{}.rules(policy).Cohort
	assert.Equal(t, "west", cohort(identity.Account{Kind: identity.KindCitizen, Group: "tây"}))
	assert.Empty(t, cohort(identity.Account{Kind: identity.KindCitizen, Group: "đông"}), "its kind")
}
