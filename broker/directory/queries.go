package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Queries is the operator's own file for a directory in a database: a
// statement for each purpose, and where in its answer each part of an account
// stands. docs/directory-queries.schema.json says the same to editors.
type Queries struct {
	dialect    dialect
	statements map[string]statement
	columns    map[string]source
	accounts   string // what a statement that does not begin itself is put behind
	hash       string // the column of the credential query with the stored password
}

// Has reports that the file has a statement for the purpose: by_id,
// by_username, by_citizen_number, by_id_card_number, by_subject, scan,
// credential or write_back.
func (q Queries) Has(purpose string) bool { return q.statements[purpose].text != "" }

// FileFault is one thing wrong with a file, and what to write instead.
type FileFault struct {
	Line  int
	Place string // such as columns.birth_date
	Mend  string
}

// Error implements error.
func (f FileFault) Error() string {
	if f.Place == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Mend)
	}
	return fmt.Sprintf("line %d, %s: %s", f.Line, f.Place, f.Mend)
}

// purpose is what a statement is for: the parameters it may have, and those of
// which it must have one each.
type purpose struct {
	name       string
	required   bool
	verbs      []string
	parameters [][]string
}

func purposes() []purpose {
	id := []string{"account_id", "account_id_integer"}
	number := []string{"citizen_number", "citizen_number_trimmed", "citizen_number_integer"}
	card := []string{"id_card_number", "id_card_number_trimmed", "id_card_number_integer"}
	read := []string{"SELECT", "WITH"}
	return []purpose{
		{"by_id", true, read, [][]string{id}},
		{"by_username", true, read, [][]string{{"username"}}},
		{"by_citizen_number", true, read, [][]string{number}},
		{"by_id_card_number", false, read, [][]string{card}},
		{"by_subject", false, read, [][]string{{"subject"}}},
		{"scan", false, read, [][]string{{"after", "after_integer"}, {"limit"}}},
		{"credential", false, read, [][]string{{"username"}}},
		{"write_back", false, []string{"UPDATE"}, [][]string{id, number, {"version"}}},
	}
}

// ParseQueries reads the text of the file for a database of that scheme. The
// error names every fault, each a FileFault.
func ParseQueries(scheme string, text []byte) (Queries, error) {
	d, ok := dialectOf(scheme)
	if !ok {
		return Queries{}, errors.New("directory: no such database: " + scheme)
	}
	f := &queriesFile{Queries: Queries{dialect: d, statements: map[string]statement{}, columns: map[string]source{}}}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return Queries{}, FileFault{1, "", "it is empty; write queries: and columns:"}
		}
		return Queries{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		f.fault(document.Content[0], "", "write one document, without ---")
	}
	f.read(document.Content[0])
	if len(f.faults) > 0 {
		slices.SortStableFunc(f.faults, func(a, b FileFault) int { return a.Line - b.Line })
		all := make([]error, len(f.faults))
		for i, fault := range f.faults {
			all[i] = fault
		}
		return Queries{}, errors.Join(all...)
	}
	return f.Queries, nil
}

// queriesFile is a file that is being read.
type queriesFile struct {
	Queries
	faults []FileFault
}

func (f *queriesFile) fault(at *yaml.Node, place, mend string, args ...any) {
	f.faults = append(f.faults, FileFault{at.Line, place, fmt.Sprintf(mend, args...)})
}

// each calls read for every entry of an object, whose names must be among
// names.
func (f *queriesFile) each(node *yaml.Node, place string, names []string, read func(name string, value *yaml.Node)) {
	if node.Kind != yaml.MappingNode {
		f.fault(node, place, "write names and values below it")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case !slices.Contains(names, key.Value):
			f.fault(key, place, "%q is none of: %s", key.Value, strings.Join(names, ", "))
		case seen[key.Value]:
			f.fault(key, place, "%s stands there twice", key.Value)
		default:
			seen[key.Value] = true
			read(key.Value, value)
		}
	}
}

// scalar is a text; ok is false where there is none.
func (f *queriesFile) scalar(node *yaml.Node, place string) (text string, ok bool) {
	if node.Kind != yaml.ScalarNode || node.Value == "" {
		f.fault(node, place, "write a text")
		return "", false
	}
	return node.Value, true
}

// list is one text or several.
func (f *queriesFile) list(node *yaml.Node, place string) (texts []string) {
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		nodes = node.Content
	}
	if len(nodes) == 0 {
		f.fault(node, place, "write at least one")
	}
	for _, item := range nodes {
		if text, ok := f.scalar(item, place); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func (f *queriesFile) read(root *yaml.Node) {
	parts := map[string]*yaml.Node{"queries": root, "columns": root, "credential": nil, "accounts": nil}
	f.each(root, "", []string{"accounts", "queries", "columns", "credential"}, func(name string, value *yaml.Node) { parts[name] = value })
	for _, name := range []string{"queries", "columns"} {
		if parts[name] == root && root.Kind == yaml.MappingNode {
			f.fault(root, "", "write %s:", name)
			parts[name] = &yaml.Node{Kind: yaml.MappingNode, Line: root.Line}
		}
	}
	if root.Kind != yaml.MappingNode {
		return
	}
	if parts["accounts"] != nil {
		f.accounts, _ = f.scalar(parts["accounts"], "accounts")
	}
	f.readStatements(parts["queries"])
	f.readColumns(parts["columns"])
	if parts["credential"] != nil {
		f.readCredential(parts["credential"])
	}
	f.checkTogether(parts["queries"], parts["columns"], parts["credential"])
}

func (f *queriesFile) readStatements(node *yaml.Node) {
	var names []string
	for _, p := range purposes() {
		names = append(names, p.name)
	}
	f.each(node, "queries", names, func(name string, value *yaml.Node) {
		place := "queries." + name
		text, ok := f.scalar(value, place)
		if !ok {
			return
		}
		p := purposes()[slices.Index(names, name)]
		s, err := f.dialect.parse(text)
		if err == nil && f.accounts != "" && slices.Contains(p.verbs, "SELECT") && !slices.Contains(p.verbs, s.verb) {
			s, err = f.dialect.parse(f.accounts + "\n" + text)
		}
		if err != nil {
			f.fault(value, place, "%s", err.Error())
			return
		}
		f.statements[name] = s
		if !slices.Contains(p.verbs, s.verb) {
			f.fault(value, place, "begin it with %s", strings.Join(p.verbs, " or "))
		}
		all := slices.Concat(p.parameters...)
		for _, parameter := range s.parameters {
			if !slices.Contains(all, parameter) {
				f.fault(value, place, ":%s is no parameter of it; it has :%s", parameter, strings.Join(all, ", :"))
			}
		}
		for _, group := range p.parameters {
			if !slices.ContainsFunc(group, func(name string) bool { return slices.Contains(s.parameters, name) }) {
				f.fault(value, place, "use :%s in it", strings.Join(group, " or :"))
			}
		}
	})
	for _, p := range purposes() {
		if p.required && !slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return n.Value == p.name }) {
			f.fault(node, "queries", "write %s:", p.name)
		}
	}
}

func (f *queriesFile) readCredential(node *yaml.Node) {
	f.each(node, "credential", []string{"hash"}, func(_ string, value *yaml.Node) {
		f.hash, _ = f.scalar(value, "credential.hash")
	})
	if f.hash == "" {
		f.fault(node, "credential", "write hash: and the column of the stored password")
	}
}

// checkTogether holds the parts to each other.
func (f *queriesFile) checkTogether(queries, columns, credential *yaml.Node) {
	need := func(at *yaml.Node, where, field, why string) {
		if _, mapped := f.columns[field]; !mapped && !slices.ContainsFunc(columns.Content, func(n *yaml.Node) bool { return n.Value == field }) {
			f.fault(at, where, "write %s: %s", field, why)
		}
	}
	need(columns, "columns", "id", "what the portal itself calls the account")
	need(columns, "columns", "username", "it is compared byte by byte with what was asked about")
	need(columns, "columns", "citizen_number", "an account without it is never found by its number")
	if f.Has("by_id_card_number") && f.columns["citizen_number"].form != formBoth {
		need(queries, "columns", "id_card_number", "queries.by_id_card_number looks for it")
	}
	if f.Has("by_subject") {
		need(queries, "columns", "subject", "queries.by_subject looks for it")
	}
	if f.Has("write_back") {
		need(queries, "columns", "version", "queries.write_back compares it")
		need(queries, "columns", "citizen_number_verified", "what queries.write_back has written is read again")
	}
	if f.Has("credential") && credential == nil {
		f.fault(queries, "", "write credential: with the columns of queries.credential")
	}
	if credential != nil && !slices.ContainsFunc(queries.Content, func(n *yaml.Node) bool { return n.Value == "credential" }) {
		f.fault(credential, "credential", "write queries.credential too, or remove it")
	}
}
