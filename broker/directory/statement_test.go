package directory

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseStatement(t *testing.T) {
	for _, test := range []struct {
		scheme, text, want string // want "" is refused
		parameters         string
	}{
		{"postgres", "SELECT :a, :b, :a", "SELECT $1, $2, $1", "a b"},
		{"mysql", "SELECT :a, :b, :a", "SELECT ?, ?, ?", "a b a"},
		{"sqlserver", "SELECT :a, :b, :a", "SELECT @p1, @p2, @p1", "a b"},
		{"oracle", "SELECT :a, :b, :a", "SELECT :1, :2, :3", "a b a"},
		{"postgres", "SELECT ':a', \":a\", 'it''s :a' WHERE x=:a", "SELECT ':a', \":a\", 'it''s :a' WHERE x=$1", "a"},
		{"postgres", "SELECT :a::text, x::int", "SELECT $1::text, x::int", "a"},
		{"postgres", "SELECT a[1:2]", "SELECT a[1:2]", ""},
		{"postgres", "SELECT E'\\':a', :b", "SELECT E'\\':a', $1", "b"},
		{"postgres", "SELECT '\\', :b", "SELECT '\\', $1", "b"},
		{"postgres", "SELECT like'\\', :b", "SELECT like'\\', $1", "b"},
		{"postgres", "SELECT $$ :a ' $$, $x$ $$ :a $x$, :b", "SELECT $$ :a ' $$, $x$ $$ :a $x$, $1", "b"},
		{"postgres", "SELECT 1 /* :a /* :b */ ' */ , :c -- :d '", "SELECT 1 /* :a /* :b */ ' */ , $1 -- :d '", "c"},
		{"postgres", "SELECT x ? 'k', :a", "SELECT x ? 'k', $1", "a"},
		{"postgres", "SELECT ':a', $1", "", ""},
		{"postgres", "SELECT b$1, :a", "SELECT b$1, $1", "a"},
		{"mysql", `SELECT 'it\'s :a', "\":a", ` + "`:a`, :b # :c '", `SELECT 'it\'s :a', "\":a", ` + "`:a`, ? # :c '", "b"},
		{"mysql", "SELECT 1--1, :a -- :b", "SELECT 1--1, ? -- :b", "a"},
		{"mysql", "SELECT 1 /* /* :a */, :b", "SELECT 1 /* /* :a */, ?", "b"},
		{"mysql", "SELECT ?, :a", "", ""},
		{"mysql", "SELECT '?', :a", "SELECT '?', ?", "a"},
		{"mysql", "SELECT @x := 1, :a", "SELECT @x := 1, ?", "a"},
		{"sqlserver", "SELECT [:a]]:b], :c", "SELECT [:a]]:b], @p1", "c"},
		{"sqlserver", "SELECT @p1, :c", "", ""},
		{"sqlserver", "SELECT TOP (:limit) x", "SELECT TOP (@p1) x", "limit"},
		{"oracle", "SELECT q'[it's :a]', nq'!:b'!', :c", "SELECT q'[it's :a]', nq'!:b'!', :1", "c"},
		{"oracle", "SELECT :1, :a", "", ""},
		{"oracle", "SELECT faq'x', :a", "SELECT faq'x', :1", "a"},
		{"postgres", " /* x */ SELECT 1 ; -- done ; :a", "/* x */ SELECT 1   -- done ; :a", ""},
		{"postgres", "SELECT 1; DELETE FROM x", "", ""},
		{"postgres", "SELECT 1; :a", "", ""},
		{"postgres", "SELECT 1;;", "", ""},
		{"postgres", "SELECT ';'", "SELECT ';'", ""},
		{"postgres", "SELECT 'open", "", ""},
		{"postgres", "SELECT 1 /* open", "", ""},
		{"postgres", "SELECT $$ open", "", ""},
		{"oracle", "SELECT q'[open'", "", ""},
		{"mysql", "SELECT đ, :ngày", "SELECT đ, ?", "ngày"},
	} {
		d, ok := dialectOf(test.scheme)
		require.True(t, ok)
		got, err := d.parse(test.text)
		if test.want == "" {
			assert.Error(t, err, test.text)
			continue
		}
		require.NoError(t, err, test.text)
		assert.Equal(t, test.want, got.text)
		assert.Equal(t, test.parameters, strings.Join(got.parameters, " "), test.text)
		assert.Equal(t, "SELECT", got.verb)
	}
}

// Whatever is written, there are as many placeholders as arguments, and
// nothing else of the text has changed.
func FuzzParseStatement(f *testing.F) {
	for _, text := range []string{"SELECT :a, ':b', \"c\" -- d\n", "/* /* */ :a */", "q'[x]' E'\\'' $x$ $x$ :a", "[a]]] `b` # c", ":a::b:=c;"} {
		for i := range dialects() {
			f.Add(text, i)
		}
	}
	f.Fuzz(func(t *testing.T, text string, which int) {
		d := dialects()[uint(which)%uint(len(dialects()))]
		s, err := d.parse(text)
		if err != nil {
			return
		}
		// Named again, the statement is the one that was written.
		mark := dialect{}
		mark = d
		mark.reuses = false
		mark.placeholder = func(int) string { return "\x00" }
		again, err := mark.parse(text)
		require.NoError(t, err)
		if strings.Contains(text, "\x00") {
			return
		}
		require.Equal(t, len(again.parameters), strings.Count(again.text, "\x00"))
		named := again.text
		for _, name := range again.parameters {
			named = strings.Replace(named, "\x00", ":"+name, 1)
		}
		unended := strings.Join(strings.Fields(named), "")
		require.Equal(t, strings.ReplaceAll(strings.Join(strings.Fields(text), ""), ";", ""), strings.ReplaceAll(unended, ";", ""))
		require.GreaterOrEqual(t, len(again.parameters), len(s.parameters))
	})
}
