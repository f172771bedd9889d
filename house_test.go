// Package house_test holds the house of the design (section 3): who may import
// whom, where each library lives, who sees a number in clear, and what no
// package has. It reads the sources alone, so that it says what is wrong while
// something does not compile.
package house_test

import (
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "vneid-proxy"

// everything marks the commands, which wire the rest.
const everything = "*"

// mayImport is the import table: package, and what of ours it may import.
var mayImport = map[string][]string{
	"identity":          {},
	"session":           {"identity"},
	"metrics":           {"identity"},
	"broker/link":       {"identity"},
	"broker/screen":     {"identity"},
	"broker/ledger":     {"identity"},
	"broker/outbound":   {},
	"broker/directory":  {"identity", "broker/outbound"},
	"broker/population": {"identity", "broker/outbound"},
	"broker/vneid":      {"identity", "session", "broker/outbound"},
	"broker/work":       {"identity", "metrics", "broker/link", "broker/ledger"},
	"broker":            {"identity", "session", "metrics", "broker/link", "broker/screen", "broker/ledger"},
	"proxy":             {"identity", "session", "metrics"},
	// It reads whole directories as records, and keeps what it asked in the
	// ledger.
	"cleanup":         {"identity", "broker/directory", "broker/ledger"},
	"config":          {},
	"vneidtest":       {"identity"},
	"testserver":      {},
	"cmd/vneid-proxy": {everything},
	// The simulators write the wire on their own, so that a shared misreading
	// cannot hide.
	"cmd/vneid-sim": {"identity", "vneidtest", "broker/screen"},
}

// homes says where a library may be imported: the first entry that is the
// import path or leads to it counts.
var homes = []struct {
	library  string
	packages []string
}{
	{"github.com/zitadel/oidc/v3/pkg/op", []string{"vneidtest"}},
	{"github.com/zitadel/oidc/v3/pkg/client", []string{"broker/vneid"}},
	{"github.com/zitadel/oidc", []string{"broker/vneid", "vneidtest"}},
	{"github.com/gorilla/securecookie", []string{"session"}},
	{"github.com/prometheus", []string{"metrics"}},
	{"github.com/caarlos0/env", []string{"config"}},
	{"github.com/stretchr/testify", nil}, // in tests only
	{"github.com/jackc/pgx", []string{"broker/ledger", "broker/directory", "testserver"}},
	{"github.com/go-sql-driver/mysql", []string{"broker/directory", "testserver"}},
	{"github.com/microsoft/go-mssqldb", []string{"broker/directory"}},
	{"github.com/sijms/go-ora", []string{"broker/directory"}},
	{"modernc.org/sqlite", []string{"broker/ledger", "broker/directory"}},
	{"github.com/go-ldap", []string{"broker/directory", "testserver"}},
	{"github.com/go-asn1-ber", []string{"broker/directory"}},
}

// mayReveal lists who sees the digits of a citizen number or ID-card number: a
// file or a package, and what for.
var mayReveal = map[string]string{
	"session/codec.go":         "the sealed cookie",
	"proxy/facts.go":           "identity headers and assertion",
	"broker/ledger":            "encrypted at rest, found by keyed HMAC",
	"broker/population":        "the question to the population database",
	"broker/directory":         "the question to the directory",
	"broker/link_ask.go":       "the CMND shown to its owner",
	"broker/link_legacy.go":    "the key of the guess counter, which the ledger keeps as HMAC",
	"cleanup":                  "reads, repairs and compares what a directory holds; prints it in clear only after an audit row",
	"vneidtest":                "the simulators' own replies",
	"cmd/vneid-proxy/links.go": "an officer who asked for it, in the audit first",
}

// makesConstant are calls whose result nobody can change.
var makesConstant = []string{
	"errors.New", "fmt.Errorf", "time.UnixMilli", "time.Date", "json.RejectUnknownMembers", "netip.MustParsePrefix",
}

// linkerSets are the variables that the linker writes (-ldflags -X).
var linkerSets = []string{"cmd/vneid-proxy.version"}

// noPackages are folders without packages of ours.
var noPackages = []string{"testdata", "vendor", "node_modules"}

// emptyWords name no noun.
var emptyWords = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "lib", "base"}

// inspect applies every rule.
func inspect(h *house) []string {
	h.checkImports()
	h.checkWords()
	c := &checker{house: h, packages: map[string]*checked{}}
	c.checkReveals()
	c.checkVariables()
	slices.Sort(h.faults)
	return h.faults
}

func TestHouse(t *testing.T) {
	h := enter(t, os.DirFS("."))
	require.NotEmpty(t, h.files("identity"), "the test runs at the root of the module")
	for _, fault := range inspect(h) {
		t.Error(fault)
	}
}

// The rules notice what they are for.
func TestRules(t *testing.T) {
	const number = "package identity\n\ntype CitizenNumber struct{}\n\nfunc (CitizenNumber) Reveal() string { return \"\" }\n\ntype Citizen struct{ Number CitizenNumber }\n"
	tests := []struct{ name, at, text, fault string }{
		{"fine", "proxy/gate.go", "package proxy\nimport (\"errors\"; \"vneid-proxy/session\")\nvar errX = errors.New(\"x\")", ""},
		{"import", "proxy/gate.go", "package proxy\nimport \"vneid-proxy/broker\"", "proxy may not import broker"},
		{"import back", "broker/link.go", "package broker\nimport p \"vneid-proxy/proxy\"", "broker may not import proxy"},
		{"import by the lowest", "identity/x.go", "package identity\nimport _ \"vneid-proxy/session\"", "identity may not import session"},
		{"import of configuration", "session/x.go", "package session\nimport \"vneid-proxy/config\"", "session may not import config"},
		{"import in a half file", "proxy/gate.go", "package proxy\nimport \"vneid-proxy/broker\"\nfunc (", "proxy may not import broker"},
		{"import by a test", "proxy/gate_test.go", "package proxy\nimport \"vneid-proxy/broker\"", ""},
		{"unknown package", "queue/queue.go", "// Package queue is x.\npackage queue", "package queue is not in the import table"},
		{"simulator", "cmd/vneid-sim/x.go", "package main\nimport \"vneid-proxy/broker/vneid\"", "cmd/vneid-sim may not import broker/vneid"},
		{"relying party", "vneidtest/x.go", "package vneidtest\nimport \"github.com/zitadel/oidc/v3/pkg/client/rp\"", "its home is broker/vneid"},
		{"provider", "broker/vneid/x.go", "package vneid\nimport \"github.com/zitadel/oidc/v3/pkg/op\"", "its home is vneidtest"},
		{"provider's words", "broker/vneid/x.go", "package vneid\nimport \"github.com/zitadel/oidc/v3/pkg/oidc\"", ""},
		{"cookies", "proxy/x.go", "package proxy\nimport \"github.com/gorilla/securecookie\"", "its home is session"},
		{"metrics", "cmd/vneid-proxy/x.go", "package main\nimport \"github.com/prometheus/client_golang/prometheus\"", "its home is metrics"},
		{"environment", "cmd/vneid-proxy/x.go", "package main\nimport \"github.com/caarlos0/env/v11\"", "its home is config"},
		{"testify", "session/x.go", "package session\nimport \"github.com/stretchr/testify/require\"", "may not import github.com/stretchr/testify/require"},
		{"testify in a test", "session/x_test.go", "package session\nimport \"github.com/stretchr/testify/require\"", ""},

		{"init", "proxy/x.go", "package proxy\nfunc init() {}", "func init"},
		{"method init", "proxy/x.go", "package proxy\ntype T struct{}\nfunc (T) init() {}", ""},
		{"file of nothing", "proxy/util.go", "package proxy", "util is no noun"},
		{"no comment", "proxy/doc.go", "package proxy", "has no comment"},
		{"another's comment", "proxy/doc.go", "// Package session is x.\npackage proxy", "has no comment"},

		{"counter", "proxy/x.go", "package proxy\nvar n int", "n is neither"},
		{"literal", "proxy/x.go", "package proxy\nvar n = 5", "n is neither"},
		{"pointer", "proxy/x.go", "package proxy\ntype T struct{}\nvar t = &T{}", "t is neither"},
		{"lock", "proxy/x.go", "package proxy\nimport \"sync\"\nvar mu = sync.Mutex{}", "mu is neither"},
		{"function", "proxy/x.go", "package proxy\nvar now = func() int { return 1 }", "now is neither"},
		{"made map", "proxy/x.go", "package proxy\nvar m = make(map[string]int)", "m is neither"},
		{"table", "proxy/x.go", "package proxy\nvar m = map[string]int{\"a\": 1}\nfunc f() int { m := map[string]int{}; m[\"b\"] = 1; return m[\"a\"] }", ""},
		{"written table", "proxy/x.go", "package proxy\nvar m = map[string]int{\"a\": 1}\nfunc f() { m[\"b\"] = 1 }", "m is shared and written to"},
		{"emptied table", "proxy/x.go", "package proxy\nvar m = map[string]int{}\nfunc f() { delete(m, \"b\") }", "m is shared and written to"},
		{"counted in a table", "proxy/x.go", "package proxy\nvar m = []struct{ n int }{{1}}\nfunc f() { m[0].n++ }", "m is shared and written to"},
		{"replaced error", "proxy/x.go", "package proxy\nimport \"errors\"\nvar errX = errors.New(\"x\")\nfunc f() { errX = nil }", "errX is shared and written to"},
		{"lent", "proxy/x.go", "package proxy\nvar m = []int{1}\nfunc f() *[]int { return &m }", "m is shared and written to"},
		{"written from elsewhere", "proxy/x.go", "package proxy\nimport \"vneid-proxy/session\"\nfunc f() { session.Table[0] = 1 }", "Table is shared and written to"},
		{"embedded", "proxy/x.go", "package proxy\nimport \"embed\"\n//go:embed a\nvar files embed.FS", ""},
		{"asserted", "proxy/x.go", "package proxy\nvar _ interface{ A() } = T{}\ntype T struct{}\nfunc (T) A() {}", ""},

		{"reveal", "broker/screen/x.go", "package screen\nimport \"vneid-proxy/identity\"\nfunc f(c identity.Citizen) string { return c.Number.Reveal() }", "broker/screen is not among those"},
		{"reveal as a value", "proxy/x.go", "package proxy\nimport \"vneid-proxy/identity\"\nvar _ = identity.CitizenNumber.Reveal", "proxy is not among those"},
		{"reveal behind an interface", "proxy/x.go", "package proxy\nfunc f(n interface{ Reveal() string }) string { return n.Reveal() }", "proxy is not among those"},
		{"reveal of who knows what", "proxy/x.go", "package proxy\nimport \"slices\"\nfunc f() string { return slices.Max(nil).Reveal() }", "proxy is not among those"},
		{"reveal where it may be", "proxy/facts.go", "package proxy\nimport \"vneid-proxy/identity\"\nfunc f(c identity.Citizen) string { return c.Number.Reveal() }", ""},
		{"reveal of a secret", "cmd/vneid-proxy/x.go", "package main\nimport \"vneid-proxy/config\"\nfunc f(c *config.Config) string { return c.Key.Reveal() }", ""},
		{"reveal of a number in a command", "cmd/vneid-proxy/x.go", "package main\nimport \"vneid-proxy/identity\"\nfunc f(c *identity.Citizen) string { return c.Number.Reveal() }", "cmd/vneid-proxy is not among those"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"identity/number.go": {Data: []byte(number)},
				"config/config.go":   {Data: []byte("package config\n\ntype Secret struct{}\n\nfunc (Secret) Reveal() string { return \"\" }\n\ntype Config struct{ Key Secret }\n")},
				"session/table.go":   {Data: []byte("package session\n\nvar Table = []int{1}\n")},
				"x/testdata/bad.go":  {Data: []byte("package bad\n\nfunc init() {}\n")},
				"tools/t/go.mod":     {Data: []byte("module t\n")},
				"tools/t/main.go":    {Data: []byte("package main\n\nfunc init() {}\n")},
				"proxy/doc.go":       {Data: []byte("// Package proxy is x.\npackage proxy\n")},
				tt.at:                {Data: []byte(tt.text)},
			}
			for _, name := range []string{"identity", "config", "session", "broker", "broker/vneid", "broker/screen", "vneidtest"} {
				if name == path.Dir(tt.at) || name == "identity" || name == "config" || name == "session" {
					tree[name+"/doc.go"] = &fstest.MapFile{Data: []byte("// Package " + path.Base(name) + " is x.\npackage " + path.Base(name) + "\n")}
				}
			}
			for _, name := range []string{"cmd/vneid-proxy", "cmd/vneid-sim"} {
				if name == path.Dir(tt.at) {
					tree[name+"/doc.go"] = &fstest.MapFile{Data: []byte("// Command x.\npackage main\n")}
				}
			}
			faults := inspect(enter(t, tree))
			if tt.fault == "" {
				assert.Empty(t, faults)
				return
			}
			require.Len(t, faults, 1)
			assert.Contains(t, faults[0], tt.fault)
		})
	}
}
