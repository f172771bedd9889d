package house_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// source is one file; at is its path, "session/codec.go".
type source struct {
	at   string
	test bool
	*ast.File
}

// house is the packages of the module: path below the module, and files.
type house struct {
	positions *token.FileSet
	packages  map[string][]source
	faults    []string
}

func (h *house) complain(p token.Pos, words ...string) {
	h.faults = append(h.faults, h.positions.Position(p).String()+": "+strings.Join(words, ""))
}

// enter takes in every package of the tree; a file that is half written counts
// as far as it could be read.
func enter(t *testing.T, tree fs.FS) *house {
	t.Helper()
	h := &house{positions: token.NewFileSet(), packages: map[string][]source{}}
	require.NoError(t, fs.WalkDir(tree, ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := fs.Stat(tree, path.Join(at, "go.mod"))
			if at != "." && (err == nil || strings.ContainsRune("._", rune(entry.Name()[0])) || slices.Contains(noPackages, entry.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(at) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // renamed since the folder was listed
		}
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(h.positions, at, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Logf("read in part: %v", err)
		}
		if file != nil && file.Name != nil {
			h.packages[path.Dir(at)] = append(h.packages[path.Dir(at)], source{at, strings.HasSuffix(at, "_test.go"), file})
		}
		return nil
	}))
	return h
}

// files are those of a package that are no tests.
func (h *house) files(name string) []source {
	return slices.DeleteFunc(slices.Clone(h.packages[name]), func(s source) bool { return s.test })
}

func (h *house) names() []string { return slices.Sorted(maps.Keys(h.packages)) }

func (h *house) checkImports() {
	for _, name := range h.names() {
		allowed, known := mayImport[name]
		for i, file := range h.files(name) {
			if !known && i == 0 {
				h.complain(file.Package, "package ", name, " is not in the import table")
			}
			for _, spec := range file.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value)
				if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
					if known && !slices.Contains(allowed, ours) && !slices.Contains(allowed, everything) {
						h.complain(spec.Pos(), name, " may not import ", ours)
					}
					continue
				}
				for _, home := range homes {
					if imported == home.library || strings.HasPrefix(imported, home.library+"/") {
						if !slices.Contains(home.packages, name) {
							h.complain(spec.Pos(), name, " may not import ", imported, ": its home is ", strings.Join(home.packages, " and "))
						}
						break
					}
				}
			}
		}
	}
}

func (h *house) checkWords() {
	for _, name := range h.names() {
		described := false
		for _, file := range h.packages[name] {
			for _, word := range []string{path.Base(name), strings.TrimSuffix(strings.TrimSuffix(path.Base(file.at), ".go"), "_test")} {
				if slices.Contains(emptyWords, word) {
					h.complain(file.Package, word, " is no noun of ours")
				}
			}
			if file.test {
				continue
			}
			if text := file.Doc.Text(); file.Name.Name == "main" {
				described = described || text != ""
			} else {
				described = described || strings.HasPrefix(text, "Package "+file.Name.Name+" ")
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					h.complain(f.Pos(), "func init runs unasked: give a constructor the work")
				}
			}
		}
		if files := h.files(name); len(files) > 0 && !described {
			h.complain(files[0].Package, "package ", name, " has no comment that says what it is")
		}
	}
}

// checked is one of our packages with its types, as far as they are known:
// the packages of others are empty here, and what comes from them has no type.
type checked struct {
	*types.Package
	types.Info
}

type checker struct {
	*house
	packages map[string]*checked
}

// Import is how go/types asks for a package.
func (c *checker) Import(name string) (*types.Package, error) {
	if ours, ok := strings.CutPrefix(name, module+"/"); ok {
		return c.check(ours).Package, nil
	}
	base := path.Base(name)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(name))
	}
	p := types.NewPackage(name, base)
	p.MarkComplete()
	return p, nil
}

func (c *checker) check(name string) *checked {
	if done, ok := c.packages[name]; ok {
		return done
	}
	done := &checked{Info: types.Info{
		Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	done.Package = types.NewPackage(module+"/"+name, path.Base(name)) // for whom imports it in a ring
	c.packages[name] = done
	var files []*ast.File
	for _, file := range c.files(name) {
		files = append(files, file.File)
	}
	config := types.Config{Importer: c, Error: func(error) {}}
	if p, _ := config.Check(module+"/"+name, c.positions, files, &done.Info); p != nil {
		done.Package = p
	}
	return done
}

// checkReveals lists who asks for the digits. The configuration's secrets have
// a Reveal of their own; what cannot be told apart counts as a number's.
func (c *checker) checkReveals() {
	for _, name := range c.names() {
		info := c.check(name)
		for _, file := range c.files(name) {
			if name == "identity" || mayReveal[file.at] != "" || mayReveal[name] != "" {
				continue
			}
			ast.Inspect(file.File, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
					if use := info.Uses[s.Sel]; use == nil || use.Pkg() == nil || use.Pkg().Path() != module+"/config" {
						c.complain(s.Pos(), name, " is not among those who may see a number in clear")
					}
				}
				return true
			})
		}
	}
}

// checkVariables lets a package have constants in the form of variables:
// errors, embedded files and tables that nothing writes to.
func (c *checker) checkVariables() {
	written := map[types.Object]bool{}
	for _, name := range c.names() {
		info := c.check(name)
		for _, file := range c.files(name) {
			ast.Inspect(file.File, func(n ast.Node) bool {
				for _, target := range targets(n) {
					if object := info.root(target); object != nil {
						written[object] = true
					}
				}
				return true
			})
		}
	}
	for _, name := range c.names() {
		info := c.check(name)
		for _, file := range c.files(name) {
			for _, decl := range file.Decls {
				if general, ok := decl.(*ast.GenDecl); ok && general.Tok == token.VAR {
					for _, spec := range general.Specs {
						c.checkVariable(name, info, general, spec.(*ast.ValueSpec), written)
					}
				}
			}
		}
	}
}

func (c *checker) checkVariable(name string, info *checked, general *ast.GenDecl, spec *ast.ValueSpec, written map[types.Object]bool) {
	embedded := embeds(spec.Doc) || embeds(general.Doc)
	for i, variable := range spec.Names {
		switch {
		case variable.Name == "_" || slices.Contains(linkerSets, name+"."+variable.Name):
		case written[info.Defs[variable]]:
			c.complain(variable.Pos(), variable.Name, " is shared and written to")
		case !embedded && (i >= len(spec.Values) || !constant(spec.Values[i])):
			c.complain(variable.Pos(), variable.Name, " is neither an error, an embedded file nor a table")
		}
	}
}

func embeds(g *ast.CommentGroup) bool {
	return g != nil && slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// constant reports a value that nobody can change without writing to its
// variable: a literal of a type of ours or of a table, or a constant's maker.
func constant(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CompositeLit:
		_, foreign := v.Type.(*ast.SelectorExpr)
		return !foreign
	case *ast.CallExpr:
		if _, conversion := v.Fun.(*ast.ArrayType); conversion {
			return true
		}
		return slices.Contains(makesConstant, types.ExprString(v.Fun))
	}
	return false
}

// targets are what a statement writes to, or lets others write to.
func targets(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return s.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	case *ast.RangeStmt:
		if s.Tok == token.ASSIGN {
			return []ast.Expr{s.Key, s.Value}
		}
	case *ast.UnaryExpr:
		if s.Op == token.AND {
			return []ast.Expr{s.X}
		}
	case *ast.CallExpr:
		if f, ok := s.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy", "append"}, f.Name) && len(s.Args) > 0 {
			return s.Args[:1]
		}
	}
	return nil
}

// root is the variable that an expression leads to: x of x.y[z].
func (c *checked) root(e ast.Expr) types.Object {
	switch e := e.(type) {
	case *ast.Ident:
		return c.Uses[e]
	case *ast.ParenExpr:
		return c.root(e.X)
	case *ast.IndexExpr:
		return c.root(e.X)
	case *ast.SliceExpr:
		return c.root(e.X)
	case *ast.StarExpr:
		return c.root(e.X)
	case *ast.SelectorExpr:
		if v, ok := c.Uses[e.Sel].(*types.Var); ok && !v.IsField() {
			return v
		}
		return c.root(e.X)
	}
	return nil
}
