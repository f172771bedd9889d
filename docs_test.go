package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documents are the texts of the product for people, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && at != "." && (name[0] == '.' || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(at, ".md") {
			found[filepath.ToSlash(at)] = contents(t, at)
		}
		return nil
	})
	require.NoError(t, err)
	require.Contains(t, found, "README.md")
	require.Contains(t, found, "docs/architecture.md")
	return found
}

func contents(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func syntax(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	return file
}

// literal is the value of a string literal; false for anything else.
func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(basic.Value)
	return value, err == nil
}

func TestRelativeLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^()\s]+)\)|(?:src|href)="([^"]+)"`)
	code := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	checked := 0
	for name, body := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(body, ""), -1) {
			address, err := url.Parse(found[1] + found[2])
			if assert.NoError(t, err, name) && (address.Scheme != "" || address.Path == "") {
				continue
			}
			checked++
			_, err = os.Stat(filepath.Join(filepath.Dir(name), filepath.FromSlash(address.Path)))
			assert.NoError(t, err, "%s links to %s", name, address)
		}
	}
	assert.NotZero(t, checked)
}

func TestReadmeShowsBothCommands(t *testing.T) {
	readme := contents(t, "README.md")
	for _, command := range []string{"go run ./cmd/vneid-proxy demo", "make test"} {
		assert.Contains(t, readme, "\n    "+command+"\n")
	}
}

// ownRoutes are the broker's and the proxy's paths under the reserved prefix,
// as "GET sign-in", read from their sources.
func ownRoutes(t *testing.T) (routes []string) {
	t.Helper()
	ast.Inspect(syntax(t, "broker/broker.go"), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit: // {path: "/link", get: …, post: …}
			fields := map[string]ast.Expr{}
			for _, element := range n.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					if key, ok := pair.Key.(*ast.Ident); ok {
						fields[key.Name] = pair.Value
					}
				}
			}
			path, ok := literal(fields["path"])
			for field, method := range map[string]string{"get": "GET ", "post": "POST ", "call": "POST "} {
				if _, given := fields[field]; ok && given {
					routes = append(routes, method+strings.TrimPrefix(path, "/"))
				}
			}
		case *ast.CallExpr: // mux.Handle(c.Prefix+"/static/", …)
			called, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || called.Sel.Name != "Handle" && called.Sel.Name != "HandleFunc" || len(n.Args) == 0 {
				return true
			}
			if sum, ok := n.Args[0].(*ast.BinaryExpr); ok {
				if path, ok := literal(sum.Y); ok {
					routes = append(routes, "GET "+strings.TrimPrefix(path, "/"))
				}
			}
		}
		return true
	})
	ast.Inspect(syntax(t, "proxy/proxy.go"), func(n ast.Node) bool { // rest == "/jwks.json"
		if compared, ok := n.(*ast.BinaryExpr); ok && compared.Op == token.EQL {
			if path, ok := literal(compared.Y); ok && strings.HasPrefix(path, "/") {
				routes = append(routes, "GET "+strings.TrimPrefix(path, "/"))
			}
		}
		return true
	})
	for _, known := range []string{"GET sign-in", "POST sign-out", "GET static/", "GET jwks.json"} {
		require.Contains(t, routes, known, "the sources are read as they are written")
	}
	return routes
}

func TestEndpointsNamesEveryReservedPath(t *testing.T) {
	routes, endpoints := ownRoutes(t), contents(t, "docs/endpoints.md")
	for _, route := range routes {
		assert.Contains(t, endpoints, "| `"+route+"` |")
	}
	rows := regexp.MustCompile("(?m)^\\| `((?:GET|POST) [^/`][^`]*)` \\|").FindAllStringSubmatch(endpoints, -1)
	for _, row := range rows {
		assert.Contains(t, routes, row[1], "docs/endpoints.md names a path that is not served")
	}
}

func TestEndpointsNamesAdminPathsAndReasons(t *testing.T) {
	endpoints, paths, reasons := contents(t, "docs/endpoints.md"), 0, 0
	ast.Inspect(syntax(t, "cmd/vneid-proxy/admin.go"), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 {
			if pattern, ok := literal(call.Args[0]); ok && strings.HasPrefix(pattern, "GET /") {
				paths++
				name := pattern[strings.LastIndexByte(pattern, '/')+1:]
				assert.True(t, strings.Contains(endpoints, "`"+pattern+"`") || name != "" && strings.Contains(endpoints, "`"+name+"`"), pattern)
			}
		}
		return true
	})
	ast.Inspect(syntax(t, "proxy/problem.go"), func(n ast.Node) bool {
		if value, ok := n.(*ast.ValueSpec); ok && len(value.Values) == 1 {
			if reason, ok := literal(value.Values[0]); ok && strings.HasPrefix(value.Names[0].Name, "Reason") {
				reasons++
				assert.Contains(t, endpoints, "`"+reason+"`")
			}
		}
		return true
	})
	assert.NotZero(t, paths)
	assert.NotZero(t, reasons)
}

// importedPaths are what the module's packages and tests import. Folders with
// a go.mod of their own are other modules.
func importedPaths(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(at, "go.mod"))
			if name := entry.Name(); at != "." && (nested == nil || name[0] == '.' || name == "node_modules" || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(at, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if path, ok := literal(spec.Path); ok {
				found[path] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// TestDecisionsNameEveryDependency goes by what the code imports, so that it
// does not hang on go.mod's remarks.
func TestDecisionsNameEveryDependency(t *testing.T) {
	var modules []string
	for line := range strings.Lines(contents(t, "go.mod")) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			modules = append(modules, fields[0])
			if !strings.Contains(line, "// indirect") {
				assert.Contains(t, contents(t, "docs/decisions/dependencies.md"), "`"+fields[0]+"`")
			}
		}
	}
	direct := map[string]bool{}
	for path := range importedPaths(t) {
		for _, m := range modules {
			if path == m || strings.HasPrefix(path, m+"/") {
				direct[m] = true
			}
		}
	}
	require.True(t, direct["github.com/stretchr/testify"], "imports are found")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+\\.[^`]+)` \\|").FindAllStringSubmatch(contents(t, "docs/decisions/dependencies.md"), -1) {
		listed = append(listed, row[1])
		assert.True(t, direct[row[1]], "%s is listed and not imported", row[1])
	}
	for m := range direct {
		assert.True(t, slices.Contains(listed, m), "%s is imported and not listed in docs/decisions/dependencies.md", m)
	}
}

// TestDocumentsNameWhatThereIs holds variables and series in the texts to the
// generated lists.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	texts := documents(t)
	variables, series := texts["docs/configuration.md"], texts["docs/metrics.md"]
	require.NotEmpty(t, variables)
	require.NotEmpty(t, series)
	variable := regexp.MustCompile("`(?:VNEID_PROXY_)?([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")
	metric := regexp.MustCompile(`vneid_proxy_[a-z_]+`)
	checked := 0
	for name, body := range texts {
		if !strings.HasPrefix(name, "docs/") && name != "README.md" || name == "docs/testing.md" {
			continue
		}
		for _, found := range variable.FindAllStringSubmatch(body, -1) {
			checked++
			bare := strings.TrimSuffix(found[1], "_FILE")
			assert.True(t, strings.Contains(variables, "`"+found[1]+"`") || strings.Contains(variables, "| `"+bare+"` |"), "%s names %s", name, found[1])
		}
		for _, found := range metric.FindAllString(body, -1) {
			checked++
			assert.Contains(t, series, "`"+found+"`", name)
		}
	}
	assert.NotZero(t, checked)
}

// The table of the standards names files that are there and tests that exist:
// a requirement whose test was renamed away is one that nothing holds.
func TestProtocolNamesWhatExists(t *testing.T) {
	var tests []string
	err := filepath.WalkDir(".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(at, "_test.go") {
			return err
		}
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(contents(t, at), -1) {
			tests = append(tests, found[1])
		}
		return nil
	})
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test\\w+|[a-z/]+/[a-z_]+\\.go)`").FindAllStringSubmatch(contents(t, "docs/protocol.md"), -1)
	require.Greater(t, len(named), 80)
	for _, name := range named {
		if strings.HasPrefix(name[1], "Test") {
			assert.Contains(t, tests, name[1])
		} else {
			assert.FileExists(t, name[1])
		}
	}
}

// Every reason that a provider is not believed for is told in docs/protocol.md.
func TestProtocolNamesEveryReason(t *testing.T) {
	protocol, found := contents(t, "docs/protocol.md"), 0
	ast.Inspect(syntax(t, "broker/vneid/error.go"), func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			if reason, ok := literal(spec.Values[0]); ok {
				found++
				if reason != "access_denied" { // the person's own doing
					assert.Contains(t, protocol, "`"+reason+"`")
				}
			}
		}
		return true
	})
	assert.Greater(t, found, 25)
}

// conformanceModules are those of the relying-party plans that the product is
// held to, without the prefix that most of them share.
func conformanceModules() []string {
	return strings.Fields(`
		oidcc-client-test invalid-iss missing-sub invalid-aud missing-iat invalid-sig-rs256 nonce-invalid userinfo-invalid-sub
		kid-absent-single-jwks kid-absent-multiple-jwks idtoken-sig-rs256 idtoken-sig-none userinfo-bearer-header
		userinfo-bearer-body scope-userinfo-claims client-secret-basic
		discovery-openid-config discovery-jwks-uri-keys discovery-issuer-mismatch signing-key-rotation
		signing-key-rotation-just-before-signing
		oidcc-client-test-rp-init-logout oidcc-client-test-rp-init-logout-other-state oidcc-client-test-rp-init-logout-no-state
		rp-backchannel-rpinitlogout rp-backchannel-rpinitlogout-alg-none rp-backchannel-rpinitlogout-no-event
		rp-backchannel-rpinitlogout-wrong-event rp-backchannel-rpinitlogout-with-nonce rp-backchannel-rpinitlogout-wrong-alg
		rp-backchannel-rpinitlogout-wrong-aud rp-backchannel-rpinitlogout-wrong-iss
		rp-frontchannel-rpinitlogout
		refresh-token refresh-token-invalid-issuer refresh-token-invalid-sub`)
}

// Each module bears its name in a test; protocol.md says so.
func TestConformanceModulesAreTested(t *testing.T) {
	named := map[string]bool{}
	err := filepath.WalkDir(".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(at, "_test.go") || at == "docs_test.go" {
			return err
		}
		ast.Inspect(syntax(t, at), func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, is := literal(e); is {
					named[text] = true
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	for _, module := range conformanceModules() {
		assert.True(t, named[module], "no test bears the name %s", module)
	}
}
