package main

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// A page that needs a higher level raises the session without losing the page;
// a provider that cannot is asked once.
func TestStepUp(t *testing.T) {
	for name, able := range map[string]bool{"the provider raises it": true, "the provider cannot": false} {
		t.Run(name, func(t *testing.T) {
			folder, err := os.MkdirTemp("", "routes-")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(folder) })
			file := filepath.Join(folder, "routes.yaml")
			require.NoError(t, os.WriteFile(file, []byte(`rules:
  - path: /ca-nhan
    access: protected
    needs: {authentication_level: [LoA3]}
    step_up: true
`), 0o600))
			r := newRig(t, rigWorld{})
			var asked atomic.Int32
			issuer := r.simulate(func(address string) http.Handler {
				a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
					Issuer: address, ClientID: "portal", Persona: r.persona("linked"), Raises: able,
				}, "")
				require.NoError(t, err)
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if q.URL.Path == "/authorize" && q.URL.Query().Get("acr_values") == "LoA3" {
						asked.Add(1)
					}
					a.ServeHTTP(w, q)
				})
			})
			r.restart(map[string]string{"ISSUER_URL": issuer, "ROUTES_FILE": file, "PUBLIC_PATHS": ""})
			p := r.person(t)
			p.visit(p.visit("/").link("/_vneid/start?provider=vneid"))
			require.Equal(t, http.StatusOK, p.program("/ping").status)
			assert.Zero(t, asked.Load(), "only where a page needs it")
			assert.Equal(t, http.StatusForbidden, p.program("/ca-nhan").status, "a program is told")

			before := p.copied("vneid_session")
			at := p.visit("/ca-nhan?muc=2")
			assert.EqualValues(t, 1, asked.Load())
			assert.Equal(t, "/ca-nhan?muc=2", at.url.RequestURI(), "the page is not lost")
			assert.Equal(t, http.StatusUnauthorized, before.program("/ping").status, "the id is another now")
			if able {
				assert.Equal(t, http.StatusOK, at.status, at.body)
				return
			}
			assert.Equal(t, http.StatusForbidden, at.status)
			assert.Equal(t, http.StatusForbidden, p.visit("/ca-nhan").status)
			assert.EqualValues(t, 1, asked.Load(), "asked once")
			assert.Equal(t, http.StatusOK, p.program("/ping").status, "what was allowed still is")
		})
	}
}
