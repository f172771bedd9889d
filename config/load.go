package config

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caarlos0/env/v11"
)

// Load makes values of an environment, a list of NAME=value as os.Environ
// gives it; of a name given twice the last counts, an empty value is the same
// as none. It reads the files of secrets. The error is always a *Faults that
// names everything wrong at once and holds no value; the Config is zero then.
func Load(environ []string) (Config, error) {
	var faults Faults
	l := loader{
		all: variables(), given: env.ToMap(environ), faults: &faults,
		values: map[string]string{}, sources: map[string]string{},
	}
	refuseUnknown(l.given, &faults)
	for _, v := range l.all {
		l.take(v)
	}
	l.preset()
	var c Config
	l.parse(&c)
	check(&c, l)
	if err := faults.orNil(); err != nil {
		return Config{}, err
	}
	finish(&c, l)
	return c, nil
}

// loader is one Load under way.
type loader struct {
	all     []variable
	given   map[string]string // the environment, by full name
	values  map[string]string // what our variables hold, by full name
	sources map[string]string // the file that a secret came from, by full name
	faults  *Faults
}

// has reports whether a variable was given a value, right or wrong.
func (l loader) has(name string) bool {
	return l.given[Prefix+name] != "" || l.given[Prefix+name+fileSuffix] != ""
}

// fault notes what is wrong with a variable, under the name it was given by.
func (l loader) fault(name, format string, args ...any) {
	full := Prefix + name
	if l.given[full] == "" && l.given[full+fileSuffix] != "" {
		full += fileSuffix
	}
	l.faults.add(full, format, args...)
}

// take looks up one variable and holds its text to the form.
func (l loader) take(v variable) {
	full := Prefix + v.name
	text := l.given[full]
	if path := l.given[full+fileSuffix]; v.secret() && path != "" {
		if text != "" {
			l.faults.add(full+fileSuffix, "set either this or %s, not both", full)
			return
		}
		var err error
		if text, err = ReadSecret(path); err != nil {
			l.faults.add(full+fileSuffix, "%v", err)
			return
		}
		l.sources[full] = path
	}
	if text == "" {
		return
	}
	l.values[full] = text
	word, _, _ := strings.Cut(text, ":")
	form := v.form()
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		l.fault(v.name, "remove the line breaks and other control characters from it, and write it in UTF-8")
	case slices.Contains(split(v.tag("later")), word):
		l.fault(v.name, "%s comes with a later release; use %s", word, strings.TrimPrefix(v.mend(), "write "))
	case form.ok != nil && !form.ok(text):
		l.fault(v.name, "%s", v.mend())
	}
}

// preset gives what was not given the default that goes with the provider.
func (l loader) preset() {
	provider := l.provider()
	for _, v := range l.all {
		if value := v.preset(provider); value != "" && !l.has(v.name) {
			l.values[Prefix+v.name] = value
		}
	}
}

// provider is what PROVIDER says, or its default.
func (l loader) provider() string {
	for _, v := range l.all {
		if v.name == "PROVIDER" {
			return cmp.Or(l.values[Prefix+v.name], v.tag("envDefault"))
		}
	}
	return ""
}

// parse fills the groups. Each is parsed alone, for the library names the
// field where it fails, and that is unique only within a group.
func (l loader) parse(c *Config) {
	groups := reflect.ValueOf(c).Elem()
	for g := range groups.NumField() {
		if groups.Type().Field(g).IsExported() {
			l.parseGroup(g, groups.Field(g).Addr().Interface())
		}
	}
}

// parseGroup fills one group, by its place in Config.
func (l loader) parseGroup(group int, into any) {
	var failed env.AggregateError
	if !errors.As(env.ParseWithOptions(into, env.Options{
		Environment: l.values,
		Prefix:      Prefix,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[[]string]():       func(s string) (any, error) { return split(s), nil },
			reflect.TypeFor[[]netip.Prefix](): parseNetworks,
			reflect.TypeFor[url.URL](): func(s string) (any, error) {
				u, err := url.Parse(s)
				if err != nil {
					return nil, err
				}
				return *u, nil
			},
		},
	}), &failed) {
		return
	}
	for _, err := range failed.Errors {
		l.translate(err, group)
	}
}

// translate says the library's error in our words: its own hold the value.
func (l loader) translate(err error, group int) {
	var parse env.ParseError
	var empty env.EmptyVarError
	errors.As(err, &parse)
	errors.As(err, &empty)
	for _, v := range l.all {
		switch {
		case v.group != group:
		case empty.Key == Prefix+v.name:
			if !l.has(v.name) {
				l.fault(v.name, "is required: %s", v.mend())
			}
			return
		case parse.Name == v.field.Name:
			mend := v.mend()
			if v.field.Type == reflect.TypeFor[Keyring]() {
				mend = parse.Err.Error() // it counts keys and quotes none
			}
			l.fault(v.name, "%s", mend)
			return
		}
	}
	l.faults.add(Prefix+"*", "the loader itself is at fault: %T", err)
}
