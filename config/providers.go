package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FurtherProvider is one entry of PROVIDERS_FILE: what the Provider group says
// of the environment's provider, in the same words in lower case, with a name
// and a link policy of its own. docs/providers.schema.json says the same to
// editors.
type FurtherProvider struct {
	Name string // in addresses, metrics and the ledger
	Provider
	Link    string  // LinkEnforce or LinkNone
	Account Account // with LinkNone alone
}

// The link policies of an entry.
const (
	LinkEnforce = "enforce" // people are linked by citizen number, as the environment's provider does it
	LinkNone    = "none"    // the provider names the account, and no link is made
)

// Account is how a provider with LinkNone names an account.
type Account struct {
	Claim string   // whose value names it
	By    string   // what that is in the directory: "username" or "id"
	Kinds []string // of account that may be signed in to
}

// reservedNames are taken: the portal's own sign-in, and what the ledger calls
// the subjects of the environment's provider.
func reservedNames() []string {
	return []string{"portal", "vneid", "oidc", "vneid-encrypted", "vneid-clear", "national-portal"}
}

// ParseProviders reads the text of PROVIDERS_FILE: exactly one document, no
// unknown and no repeated names. c is the environment that names the file. The
// error says all that is wrong at once, one fault a line, and holds no value
// that may be a secret. It reads the files of secrets.
func ParseProviders(text []byte, c Config) ([]FurtherProvider, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty; write at least providers: []")
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("write one document, without ---")
	}
	top, faults := members(document.Content[0], []string{"providers"})
	list, found := top["providers"]
	switch {
	case len(faults) > 0:
	case !found || list.Kind != yaml.SequenceNode:
		faults = append(faults, errors.New("write providers: and a list"))
	default:
		var all []FurtherProvider
		for i, node := range list.Content {
			p, wrong := parseProvider(node, c)
			place := fmt.Sprintf("provider %d", i+1)
			if p.Name != "" {
				place += " (" + p.Name + ")"
			}
			for _, fault := range append(wrong, p.beside(c, all)...) {
				faults = append(faults, fmt.Errorf("%s, %w", place, fault))
			}
			all = append(all, p)
		}
		if len(faults) == 0 {
			return all, nil
		}
	}
	return nil, errors.Join(faults...)
}

// beside holds a provider to the environment's and to those before it.
func (f FurtherProvider) beside(c Config, others []FurtherProvider) (faults []error) {
	others = append([]FurtherProvider{{Provider: c.Provider}}, others...)
	for i, other := range others {
		if f.Name != "" && f.Name == other.Name {
			faults = append(faults, errors.New("name: another provider has it; write each once"))
		}
		if f.IssuerURL != nil && other.IssuerURL != nil && f.IssuerURL.String() == other.IssuerURL.String() && f.ClientID == other.ClientID {
			who := "the environment's provider"
			if i > 0 {
				who = other.Name
			}
			faults = append(faults, fmt.Errorf("client_id: %s is the same client of the same issuer; whom a sign-out is for could not be told", who))
		}
	}
	return faults
}

// providerVariables are those that an entry can say too.
func providerVariables() []variable {
	group, _ := reflect.TypeFor[Config]().FieldByName("Provider")
	return slices.DeleteFunc(variables(), func(v variable) bool { return v.group != group.Index[0] || v.name == "PROVIDERS_FILE" })
}

// providerMembers are the names of an entry.
func providerMembers() []string {
	names := []string{"name", "link", "account"}
	for _, v := range providerVariables() {
		name := memberOf(v.name)
		if v.secret() {
			name += strings.ToLower(fileSuffix) // a secret has no place in this file
		}
		names = append(names, name)
	}
	return names
}

// memberOf is the name in an entry of a variable without Prefix.
func memberOf(variable string) string {
	switch variable {
	case "PROVIDER":
		return "profile"
	case "PROVIDER_TITLE":
		return "title"
	}
	return strings.ToLower(variable)
}

// InProvidersFile says a text about variables of the Provider group, with
// Prefix or without, in the names of the file's entries.
func InProvidersFile(text string) string {
	return regexp.MustCompile(`[A-Z]+(_[A-Z]+)*\b=?`).ReplaceAllStringFunc(text, func(found string) string {
		name, assigned := strings.CutSuffix(strings.TrimPrefix(found, Prefix), "=")
		base, file := strings.CutSuffix(name, fileSuffix)
		for _, v := range providerVariables() {
			switch {
			case v.name == name && v.secret() || v.name == base && file && v.secret():
				return memberOf(v.name) + strings.ToLower(fileSuffix)
			case v.name == name && assigned:
				return memberOf(name) + ": "
			case v.name == name:
				return memberOf(name)
			}
		}
		return found
	})
}
