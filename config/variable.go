package config

import (
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// variable is one field of a group, described by its tags.
type variable struct {
	name         string // without Prefix
	group, index int    // where it is in Config, and in its group
	field        reflect.StructField
}

// variables is every variable in the order of the document.
func variables() []variable {
	var all []variable
	config := reflect.TypeFor[Config]()
	for g := range config.NumField() {
		if group := config.Field(g); group.IsExported() {
			for i := range group.Type.NumField() {
				field := group.Type.Field(i)
				name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
				all = append(all, variable{name, g, i, field})
			}
		}
	}
	return all
}

func (v variable) tag(key string) string { return v.field.Tag.Get(key) }

// preset is the default under a PROVIDER; "" where that gives it none.
func (v variable) preset(provider string) string {
	for pair := range strings.FieldsSeq(v.tag("presets")) {
		if name, value, _ := strings.Cut(pair, "="); name == provider {
			return value
		}
	}
	return ""
}

// profiles are those of POPULATION_PROFILE with which it has a meaning; nil is
// each.
func (v variable) profiles() []string { return split(v.tag("profiles")) }

// secret reports whether the variable may come from a file.
func (v variable) secret() bool {
	return v.field.Type == reflect.TypeFor[Secret]() || v.field.Type == reflect.TypeFor[Keyring]()
}

// form is what the variable may hold: its form or choice tag, else its type.
func (v variable) form() form {
	if choice := v.tag("choice"); choice != "" {
		return choiceOf(split(choice))
	}
	if name := v.tag("form"); name != "" {
		return formOf(name)
	}
	return form{words: typeWords(v.field.Type)}
}

// mend says what to write. The default is as good an example as any, where
// the form does not already name all there is.
func (v variable) mend() string {
	example := v.tag("example")
	if example == "" {
		example = v.tag("envDefault")
	}
	if example == "" || v.tag("choice") != "" || v.field.Type == reflect.TypeFor[bool]() {
		return "write " + v.form().words
	}
	return "write " + v.form().words + ", such as " + example
}

func typeWords(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[time.Duration]():
		return "a duration with its unit (s, m, h)"
	case reflect.TypeFor[Date]():
		return "a date as year-month-day (2006-01-02)"
	case reflect.TypeFor[Keyring]():
		return "keys of 32 random bytes in base64 (openssl rand -base64 32), separated by commas"
	case reflect.TypeFor[Secret]():
		return "the secret"
	case reflect.TypeFor[Words]():
		return "words separated by blanks"
	case reflect.TypeFor[[]netip.Prefix]():
		return "networks as CIDR without host bits, separated by commas, none of them everybody"
	case reflect.TypeFor[[]string]():
		return "a list separated by commas"
	case reflect.TypeFor[*url.URL]():
		return "an address"
	}
	return "a text"
}
