package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKubernetesSets(t *testing.T) {
	for name, want := range map[string]bool{
		"SERVICE_HOST":                   true,
		"SERVICE_PORT":                   true,
		"SERVICE_PORT_HTTP":              true,
		"PORT":                           true,
		"PORT_8080_TCP":                  true,
		"PORT_8080_TCP_ADDR":             true,
		"PORT_8080_TCP_PORT":             true,
		"PORT_8080_TCP_PROTO":            true,
		"PORT_53_UDP_ADDR":               true,
		"ADMIN_SERVICE_HOST":             true,
		"ADMIN_SERVICE_PORT_HTTP":        true,
		"ADMIN_PORT":                     true,
		"ADMIN_PORT_9180_TCP_ADDR":       true,
		"PORT_PORT_80_TCP":               true,
		"":                               false,
		"SERVICE":                        false,
		"SERVICE_HOSTS":                  false,
		"IMPORT":                         false,
		"PORTAL_LOGIN_URL":               false,
		"PORT_RANGE":                     false,
		"PORT_8080":                      false,
		"PORT_8080_TCPX":                 false,
		"SUPPORT":                        false,
		"PORT_HTTP_TCP":                  false,
		"TRANSPORT_8080_TCP":             false,
		"SERVICE_PORTS":                  false,
		"service_host":                   false,
		"PORT_8080_TCP_ADDR\nPUBLIC_URL": false,
	} {
		assert.Equal(t, want, kubernetesSets(name), name)
	}
}

// A name of ours with such a shape would be ignored whenever it is misspelt,
// and taken for ours whenever Kubernetes sets it.
func TestNoNameOfOursIsKubernetes(t *testing.T) {
	for _, name := range append(knownNames(), laterNames()...) {
		assert.False(t, kubernetesSets(name), name)
		assert.Regexp(t, `^[A-Z][A-Z_]*[A-Z]$`, name)
	}
}

func TestTags(t *testing.T) {
	names := map[string]bool{}
	for _, v := range variables() {
		assert.NotEmpty(t, v.tag("doc"), v.name)
		assert.False(t, names[v.name], "%s is there twice", v.name)
		names[v.name] = true
		form := v.form()
		assert.NotEmpty(t, form.words, v.name)
		for _, text := range []string{v.tag("example"), v.tag("envDefault"), v.preset("oidc"), v.preset("vneid-encrypted")} {
			if text != "" && form.ok != nil {
				assert.True(t, form.ok(text), "%s: its own %q is refused", v.name, text)
			}
		}
	}
	for _, later := range laterNames() {
		assert.False(t, names[later], "%s is not for later: it is there", later)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"UPSTREAM":          "UPSTREAM_URL",
		"CLIENT_SECRETS":    "CLIENT_SECRET",
		"client_id":         "CLIENT_ID",
		"SECRET_KEY":        "SECRET_KEYS",
		"LEDGER_INDEX_KEYS": "LEDGER_INDEX_KEY",
	} {
		assert.Equal(t, want, nearest(name, knownNames()), name)
	}
}
