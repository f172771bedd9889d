package house_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestOperationsNamesEverySubjectOfCheck holds the table of findings to the
// subjects in the source, both ways and in their order.
func TestOperationsNamesEverySubjectOfCheck(t *testing.T) {
	var subjects, listed []string
	ast.Inspect(syntax(t, "cmd/vneid-proxy/check_finding.go"), func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "subject" {
				name, _ := literal(spec.Values[0])
				subjects = append(subjects, name)
			}
		}
		return true
	})
	_, section, _ := strings.Cut(contents(t, "docs/operations.md"), "\n## Check\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z.-]+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1])
	}
	assert.NotEmpty(t, subjects)
	assert.Equal(t, subjects, listed)
}
