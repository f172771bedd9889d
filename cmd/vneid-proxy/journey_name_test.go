package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// TestNamesOfNoWidthAndOfOtherLetters: what cannot be seen in a name does not
// count, and what only looks alike is another name, whichever side asks.
func TestNamesOfNoWidthAndOfOtherLetters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		written string // in the portal
		links   bool
	}{
		"zero-width space":     {"Trần Văn\u200b Bình", true},
		"zero-width joiner":    {"Tr\u200dần Văn Bình", true},
		"byte order mark":      {"\ufeffTrần Văn Bình", true},
		"marks set off":        {"Tra\u0302\u0300n Va\u0306n Bi\u0300nh", true},
		"no-break space":       {"Trần\u00a0Văn Bình", true},
		"Cyrillic В":           {"Trần \u0412ăn Bình", false},
		"Greek Τ":              {"\u03a4rần Văn Bình", false},
		"full-width V":         {"Trần \uff36ăn Bình", false},
		"right-to-left inside": {"Trần \u202eVăn Bình", true}, // a mark of direction has no width either
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people := vneidtest.Personas()
			for i := range people {
				if people[i].Key == "cmnd" {
					people[i].Accounts[0].Name = c.written
				}
			}
			r := newRig(t, rigWorld{people: people})
			who := r.persona("cmnd")
			account := who.Accounts[0]

			typed := r.person(t)
			at := typed.atPortal(typed.visit(wanted), account)
			at = typed.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
			if c.links {
				require.Equal(t, http.StatusSeeOther, at.status, at.body)
				require.Len(t, r.links(account.ID), 1)
			} else {
				require.Equal(t, http.StatusUnprocessableEntity, at.status)
				require.Empty(t, r.links(account.ID))
			}

			vouched := r.person(t)
			at = vouched.vneid(vouched.visit(wanted), "cmnd")
			if c.links {
				assert.Equal(t, r.origin+wanted, at.url.String(), "linked, and the same person")
				return
			}
			require.Equal(t, titleProve, at.title())
			at = vouched.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
			assert.Equal(t, titleMismatch, at.title())
			require.Empty(t, r.links(account.ID))
		})
	}
}
