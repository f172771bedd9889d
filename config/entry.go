package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is one provider of the file as it is read. The loader of the
// environment reads what both can say, so that neither is laxer.
type entry struct {
	loader
	line    int // where it begins
	members map[string]*yaml.Node
	faults  []error
	faulted []string // members that have one: what follows from it would only confuse
}

func parseProvider(node *yaml.Node, c Config) (FurtherProvider, []error) {
	var found Faults
	e := entry{line: node.Line, loader: loader{
		all: providerVariables(), given: map[string]string{}, faults: &found, values: map[string]string{}, sources: map[string]string{},
	}}
	e.members, e.faults = members(node, providerMembers())
	if e.members == nil {
		return FurtherProvider{}, e.faults
	}
	f := FurtherProvider{Name: e.word("name"), Link: LinkEnforce}
	switch {
	case !regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`).MatchString(f.Name):
		e.fault("name", "write a short name for it: small letters, digits and - after a letter, 32 at most")
		f.Name = ""
	case slices.Contains(reservedNames(), f.Name):
		e.fault("name", "is taken; write another")
	}
	if text := e.word("link"); text != "" {
		f.Link = text
	}
	if e.word("title") == "" {
		e.fault("title", "is required: write what its sign-in button says")
	}
	e.give()
	if f.Link == LinkNone && !e.has("MIN_ACCOUNT_LEVEL") {
		e.given[Prefix+"MIN_ACCOUNT_LEVEL"] = "0"
	}
	for _, v := range e.all {
		e.take(v)
	}
	e.preset()
	whole := Config{Public: c.Public}
	e.parseGroup(e.all[0].group, &whole.Provider)
	checkProvider(&whole, e.loader)
	f.Provider = whole.Provider
	if path := e.sources[Prefix+"CLIENT_SECRET"]; path != "" {
		f.ClientSecret.readFrom(path)
	}
	e.checkLink(&f)
	for _, fault := range found.List {
		e.fault(memberOf(strings.TrimPrefix(fault.Variable, Prefix)), "%s", InProvidersFile(fault.Mend))
	}
	return f, e.faults
}

// fault notes what is wrong with a member, at its line or the entry's.
func (e *entry) fault(member, format string, args ...any) {
	if slices.Contains(e.faulted, member) {
		return
	}
	e.faulted = append(e.faulted, member)
	line := e.line
	if node := e.members[member]; node != nil {
		line = node.Line
	}
	e.faults = append(e.faults, fmt.Errorf("line %d: %s: "+format, append([]any{line, member}, args...)...))
}

// word is a member that is one text; "" where there is none.
func (e *entry) word(member string) string {
	node := e.members[member]
	if node == nil {
		return ""
	}
	if node.Kind != yaml.ScalarNode || node.Value == "" || node.Tag == "!!null" {
		e.fault(member, "write one value, or remove it")
		return ""
	}
	return node.Value
}

// words is a member that is a list; nil where there is none.
func (e *entry) words(member string, node *yaml.Node, parted string) (list []string) {
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode || item.Value == "" || strings.Contains(item.Value, parted) {
			e.fault(member, "write a list of single values")
			return nil
		}
		list = append(list, item.Value)
	}
	if len(list) == 0 {
		e.fault(member, "write at least one value, or remove it")
	}
	return list
}

// give hands the loader what the entry says.
func (e *entry) give() {
	for _, v := range e.all {
		member := memberOf(v.name)
		if v.secret() {
			member += strings.ToLower(fileSuffix)
		}
		node := e.members[member]
		if node == nil {
			continue
		}
		name := Prefix + v.name
		if v.secret() {
			name += fileSuffix
		}
		parted := ""
		switch v.field.Type {
		case reflect.TypeFor[[]string]():
			parted = ","
		case reflect.TypeFor[Words]():
			parted = " "
		}
		if node.Kind == yaml.SequenceNode && parted != "" {
			e.given[name] = strings.Join(e.words(member, node, parted), parted)
		} else {
			e.given[name] = e.word(member)
		}
	}
}

// checkLink reads how a provider's people come to accounts.
func (e *entry) checkLink(f *FurtherProvider) {
	node := e.members["account"]
	switch f.Link {
	case LinkEnforce:
		if node != nil {
			e.fault("account", "remove it: it has a meaning only with link: none")
		}
		return
	case LinkNone:
	default:
		e.fault("link", "write enforce or none")
		return
	}
	if f.Profile != "oidc" {
		e.fault("link", "write enforce: only what a provider signs (profile: oidc) can name an account")
	}
	for _, member := range []string{"claim_citizen_number", "claim_account_level", "min_account_level"} {
		if e.members[member] != nil {
			e.fault(member, "remove it: with link: none neither a citizen number nor VNeID's account level is taken from the provider")
		}
	}
	if node == nil {
		e.fault("account", "is required with link: none: write claim, by and kinds")
		return
	}
	inner := entry{line: node.Line}
	inner.members, inner.faults = members(node, []string{"claim", "by", "kinds"})
	if inner.members != nil {
		inner.account(f)
	}
	for _, fault := range inner.faults {
		e.faults = append(e.faults, fmt.Errorf("%w (in account)", fault))
	}
}

func (e *entry) account(f *FurtherProvider) {
	f.Account = Account{Claim: e.word("claim"), By: e.word("by"), Kinds: []string{"official"}}
	switch {
	case f.Account.Claim == "":
		e.fault("claim", "is required: write the claim that names the account, such as preferred_username")
	case strings.Contains(strings.ToLower(f.Account.Claim), "mail"):
		e.fault("claim", "write another: a mail address is no key, for whoever sets it would choose the account")
	}
	if !slices.Contains([]string{"username", "id"}, f.Account.By) {
		e.fault("by", "write username or id: what the claim's value is in the directory")
	}
	if node := e.members["kinds"]; node != nil {
		if node.Kind != yaml.SequenceNode {
			e.fault("kinds", "write a list of official, organisation, citizen")
			return
		}
		f.Account.Kinds = e.words("kinds", node, ",")
		for _, kind := range f.Account.Kinds {
			if !slices.Contains([]string{"official", "organisation", "citizen"}, kind) {
				e.fault("kinds", "write official, organisation or citizen")
			}
		}
	}
}

// members are the values of a mapping by name.
func members(node *yaml.Node, known []string) (map[string]*yaml.Node, []error) {
	if node.Kind != yaml.MappingNode {
		return nil, []error{fmt.Errorf("line %d: write names with a value each", node.Line)}
	}
	found := map[string]*yaml.Node{}
	var faults []error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			faults = append(faults, fmt.Errorf("line %d: %s: no such name; did you mean %s?", key.Line, printable(key.Value), nearestOf(key.Value, known)))
		case found[key.Value] != nil:
			faults = append(faults, fmt.Errorf("line %d: %s: written twice", key.Line, key.Value))
		default:
			found[key.Value] = value
		}
	}
	return found, faults
}

func nearestOf(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int {
		return distance(name[:min(len(name), 100)], a) - distance(name[:min(len(name), 100)], b)
	})
}
