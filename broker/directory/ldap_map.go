package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"go.yaml.in/yaml/v3"
)

// LDAPMap says which entries are accounts and what their attributes mean.
// Names of attributes are compared without regard to case.
type LDAPMap struct {
	// Accounts is the filter (RFC 4515) that accounts meet and nothing else
	// does, such as (objectClass=inetOrgPerson); required.
	Accounts string `yaml:"accounts"`
	// Attributes are the attribute of each field: id, username (both
	// required), citizen_number, id_card_number, name, birth_date, email,
	// phone, roles, group, subject, version. id may be "dn". One attribute for
	// both numbers is told apart by its digits.
	Attributes map[string]string `yaml:"attributes"`
	// Filters take the place of (attribute={value}) in a search by id,
	// username, citizen_number, id_card_number or subject; {value} is what is
	// asked for, escaped. What they find and does not hold the value is no
	// answer all the same.
	Filters map[string]string `yaml:"filters"`
	// Marks are yes where any of the tests is met: locked, verified (of the
	// citizen number), official, organisation, created_by_official,
	// created_by_self. Official goes before organisation, and before self.
	Marks map[string][]LDAPTest `yaml:"marks"`
}

// LDAPTest is met by an entry that has the attribute; with the value, without
// regard to case, where one is given; as a number with one of the bits, where
// they are.
type LDAPTest struct {
	Attribute string `yaml:"attribute"`
	Value     string `yaml:"value"`
	Bits      int64  `yaml:"bits"`
}

// ParseLDAPMap reads the text of the operator's file for an LDAP server: exactly
// one document, with ldap alone in it. The error names every fault.
func ParseLDAPMap(text []byte) (LDAPMap, error) {
	var file struct {
		LDAP *LDAPMap `yaml:"ldap"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF), err == nil && file.LDAP == nil:
		return LDAPMap{}, errors.New("it is empty; write ldap:")
	case err != nil:
		return LDAPMap{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return LDAPMap{}, errors.New("write one document, without ---")
	}
	if faults := file.LDAP.faults(); len(faults) > 0 {
		return LDAPMap{}, errors.New("ldap." + strings.Join(faults, "\nldap."))
	}
	return *file.LDAP, nil
}

func ldapFields() []string {
	return []string{"id", "username", "citizen_number", "id_card_number", "name", "birth_date", "email", "phone", "roles", "group", "subject", "version"}
}

func ldapSearches() []string {
	return []string{"id", "username", "citizen_number", "id_card_number", "subject"}
}

func ldapMarks() []string {
	return []string{"locked", "verified", "official", "organisation", "created_by_official", "created_by_self"}
}

const placeholder = "{value}"

// faults are all that is wrong, each with its place.
func (m LDAPMap) faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !isFilter(m.Accounts) {
		fault("accounts: want a filter, such as (objectClass=inetOrgPerson)")
	}
	known := func(place, name string, names []string) {
		if !slices.Contains(names, name) {
			fault("%s.%s: no such name; there are %s", place, name, strings.Join(names, ", "))
		}
	}
	for field, attribute := range m.Attributes {
		known("attributes", field, ldapFields())
		if !isAttribute(attribute) {
			fault("attributes.%s: want the name of an attribute", field)
		}
	}
	for _, field := range []string{"id", "username"} {
		if m.Attributes[field] == "" {
			fault("attributes.%s is required", field)
		}
	}
	for field, filter := range m.Filters {
		known("filters", field, ldapSearches())
		if strings.Count(filter, placeholder) == 0 || !isFilter(strings.ReplaceAll(filter, placeholder, "x")) {
			fault("filters.%s: want a filter with %s in it", field, placeholder)
		}
		if m.Attributes[field] == "" {
			fault("filters.%s: name its attribute in attributes.%s too", field, field)
		}
		if field == "id" && m.byDN() {
			fault("filters.id: remove it: an entry is read by its DN")
		}
	}
	for mark, tests := range m.Marks {
		known("marks", mark, ldapMarks())
		for i, test := range tests {
			if !isAttribute(test.Attribute) {
				fault("marks.%s, number %d: want the name of an attribute", mark, i+1)
			}
			if test.Value != "" && test.Bits != 0 || test.Bits < 0 {
				fault("marks.%s, number %d: want a value, bits above 0, or neither", mark, i+1)
			}
		}
	}
	slices.Sort(faults)
	return faults
}

func isFilter(text string) bool {
	_, err := ldap.CompileFilter(text)
	return err == nil
}

// isAttribute obeys RFC 4512 section 2.5, without options.
func isAttribute(name string) bool {
	return regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)$`).MatchString(name)
}

// byDN reports that an account's id is its entry's DN.
func (m LDAPMap) byDN() bool { return strings.EqualFold(m.Attributes["id"], "dn") }

// filter is the search for a value, "" where there is no attribute for it.
func (m LDAPMap) filter(field, value string) string {
	attribute := m.Attributes[field]
	if attribute == "" {
		return ""
	}
	if field == "id" && m.byDN() {
		return m.Accounts
	}
	filter := m.Filters[field]
	if filter == "" {
		filter = "(" + attribute + "=" + placeholder + ")"
	}
	return "(&" + m.Accounts + strings.ReplaceAll(filter, placeholder, ldap.EscapeFilter(value)) + ")"
}

// wanted are the attributes that are read; operational ones come only by name.
func (m LDAPMap) wanted() (names []string) {
	for _, attribute := range m.Attributes {
		names = append(names, attribute)
	}
	for _, tests := range m.Marks {
		for _, test := range tests {
			names = append(names, test.Attribute)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
