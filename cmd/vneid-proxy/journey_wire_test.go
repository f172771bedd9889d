package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnotherWireOnTheSameLedger: an operator who goes over to VNeID's other
// wire keeps every link. Its subjects are others; the number says who it is.
func TestAnotherWireOnTheSameLedger(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("linked")
	account := who.Accounts[0]
	for _, w := range []wire{wireOIDC(), wireEncrypted(), wireOIDC()} {
		r.wire = w
		r.restart(w.environ(t, r.vneidURL))
		p := r.person(t)
		p.landed(p.vneid(p.visit(wanted), "linked"), account, &who, "linked")
		require.Len(t, r.links(account.ID), 1)
		require.Empty(t, r.reviews())
	}
}
