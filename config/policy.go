package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Policy is the file POLICY_FILE: what holds for which accounts, and until
// when. docs/policy.schema.json says the same to editors.
type Policy struct {
	Default Terms            `yaml:"default"`
	Kinds   map[string]Terms `yaml:"kinds"`
	Cohorts []Cohort         `yaml:"cohorts"`
}

// Cohort is some of the accounts, with terms of their own.
type Cohort struct {
	Name string `yaml:"name"`
	Who  struct {
		Kind      []string `yaml:"kind"`
		Group     []string `yaml:"group"`
		Role      []string `yaml:"role"`
		CreatedBy []string `yaml:"created_by"`
		Holds     []string `yaml:"holds"`
	} `yaml:"who"`
	Terms Terms `yaml:"terms"`
}

// Terms are the terms that the file names at one place; what is nil or "" is
// as it is further out.
type Terms struct {
	LegacySignInUntil *Until `yaml:"legacy_sign_in_until"`
	SkipUntil         *Until `yaml:"skip_until"`
	SkipLimit         *int   `yaml:"skip_limit"`
	After             string `yaml:"after"`
	Proof             string `yaml:"proof"`
	WeakMatch         string `yaml:"weak_match"`
	NoAccount         string `yaml:"no_account"`
}

// Until is a last day, or the word never: not at all.
type Until struct{ Day }

// UnmarshalYAML reads 2006-01-02, quoted or not, or never.
func (u *Until) UnmarshalYAML(node *yaml.Node) error {
	if node.Value == "never" {
		*u = Until{}
		return nil
	}
	if u.UnmarshalText([]byte(node.Value)) != nil {
		return fmt.Errorf("line %d: write the day as 2006-01-02, or never", node.Line)
	}
	return nil
}

// ParsePolicy reads the text of POLICY_FILE: exactly one document, no unknown
// and no repeated names.
func ParsePolicy(text []byte) (policy Policy, err error) {
	err = parseFile(text, &policy, "default: {}")
	return policy, err
}

// parseFile reads one YAML document strictly; least is what an empty file
// would have to say.
func parseFile[T any](text []byte, into *T, least string) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var read T
	if err := decoder.Decode(&read); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty; write at least " + least)
		}
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(T)); !errors.Is(err, io.EOF) {
		return errors.New("write one document, without ---")
	}
	*into = read
	return nil
}
