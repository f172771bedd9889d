package directory

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"vneid-proxy/identity"
)

// source is where a part of an account stands in an answer, and in what form.
type source struct {
	column       string
	constant     string // in place of a column
	json         [][]string
	form         string
	zone         *time.Location
	parts        [3][]string // year, month, day
	restoreZeros bool
	when, unless []string
	words        map[string]string
	otherwise    string
	separator    string
}

// The forms of numbers.
const (
	formDigits = "digits"
	formBoth   = "both_numbers"
)

// fields are the parts of an account, and what may be said of each beside its
// column, constant and json.
func fields() map[string][]string {
	return map[string][]string{
		"id": nil, "username": nil, "name": nil, "email": nil, "phone": nil, "group": nil, "subject": nil, "version": nil,
		"kind": {"map", "default"}, "created_by": {"map", "default"},
		"locked": {"when", "unless"}, "citizen_number_verified": {"when"},
		"citizen_number": {"form", "restore_zeros"}, "id_card_number": {"restore_zeros"},
		"birth_date": {"form", "zone", "year", "month", "day"}, "roles": {"separator"},
	}
}

func (f *queriesFile) readColumns(node *yaml.Node) {
	f.each(node, "columns", slices.Sorted(maps.Keys(fields())), func(field string, value *yaml.Node) {
		s := source{separator: ";"}
		place := "columns." + field
		if value.Kind == yaml.ScalarNode {
			s.column, _ = f.scalar(value, place)
		} else {
			options := append([]string{"column", "constant", "json"}, fields()[field]...)
			f.each(value, place, options, func(option string, node *yaml.Node) { f.readOption(&s, place, option, node) })
		}
		if (s.column == "") == (s.constant == "") && value.Kind == yaml.MappingNode {
			f.fault(value, place, "write column: or constant:")
		}
		f.checkSource(field, place, value, &s)
		f.columns[field] = s
	})
}

func (f *queriesFile) readOption(s *source, place, option string, node *yaml.Node) {
	place += "." + option
	text := ""
	switch option {
	case "when", "unless", "json", "map":
	default:
		var ok bool
		if text, ok = f.scalar(node, place); !ok {
			return
		}
	}
	switch option {
	case "column":
		s.column = text
	case "constant":
		s.constant = text
	case "form":
		s.form = text
	case "default":
		s.otherwise = text
	case "separator":
		s.separator = text
	case "when":
		s.when = f.list(node, place)
	case "unless":
		s.unless = f.list(node, place)
	case "json":
		for _, path := range f.list(node, place) {
			s.json = append(s.json, strings.Split(path, "."))
		}
	case "year":
		s.parts[0] = strings.Split(text, ".")
	case "month":
		s.parts[1] = strings.Split(text, ".")
	case "day":
		s.parts[2] = strings.Split(text, ".")
	case "restore_zeros":
		s.restoreZeros = text == "true"
		if text != "true" && text != "false" {
			f.fault(node, place, "write true or false")
		}
	case "zone":
		var err error
		if s.zone, err = time.LoadLocation(text); err != nil {
			f.fault(node, place, "write a time zone as Asia/Ho_Chi_Minh or UTC")
		}
	case "map":
		s.words = map[string]string{}
		if node.Kind != yaml.MappingNode {
			f.fault(node, place, "write the column's values and what each means below it")
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			s.words[node.Content[i].Value] = node.Content[i+1].Value
		}
		if len(s.words)*2 != len(node.Content) {
			f.fault(node, place, "write each value once")
		}
	}
}

// checkSource holds what is said of a field to what the field takes.
func (f *queriesFile) checkSource(field, place string, node *yaml.Node, s *source) {
	if meanings := meanings(field); meanings != nil {
		said := slices.Collect(maps.Values(s.words))
		for _, word := range []string{s.constant, s.otherwise} {
			if word != "" {
				said = append(said, word)
			}
		}
		if slices.ContainsFunc(said, func(word string) bool { return !slices.Contains(meanings, word) }) {
			f.fault(node, place, "let each value mean one of %s", strings.Join(meanings, ", "))
		}
	}
	switch field {
	case "locked":
		if s.constant == "" && (len(s.when) == 0) == (len(s.unless) == 0) {
			f.fault(node, place, "write when: with the values of a locked account, or unless: with those of an active one")
		}
	case "citizen_number_verified":
		if len(s.when) == 0 {
			f.fault(node, place, "write column: and when: with the values that mean verified")
		}
	case "citizen_number":
		if s.form != "" && s.form != formDigits && s.form != formBoth {
			f.fault(node, place, "let form be %s or %s", formDigits, formBoth)
		}
		if _, two := f.columns["id_card_number"]; two && s.form == formBoth {
			f.fault(node, place, "remove columns.id_card_number: a column of both numbers tells them apart by their digits")
		}
	case "id_card_number":
		if f.columns["citizen_number"].form == formBoth {
			f.fault(node, place, "remove it: columns.citizen_number holds both numbers")
		}
	case "birth_date":
		f.checkDate(place, node, s)
	}
	if s.constant != "" && !slices.Contains([]string{"kind", "group", "created_by", "roles"}, field) {
		f.fault(node, place, "write column: it differs from account to account")
	}
}

// meanings are what a value of the field may mean; nil where it means itself.
func meanings(field string) []string {
	switch field {
	case "kind":
		return []string{string(identity.KindCitizen), string(identity.KindOfficial), string(identity.KindOrganisation)}
	case "created_by":
		return []string{string(identity.CreatedBySelf), string(identity.CreatedByOfficial)}
	}
	return nil
}

func (f *queriesFile) checkDate(place string, node *yaml.Node, s *source) {
	if s.form == "" {
		s.form = formDate
	}
	if !slices.Contains(dateForms(), s.form) {
		f.fault(node, place, "let form be one of %s", strings.Join(dateForms(), ", "))
	}
	if named := s.parts[0] != nil || s.parts[1] != nil || s.parts[2] != nil; named != (s.form == formParts) || named && s.parts[0] == nil {
		f.fault(node, place, "write year:, month: and day: with form: %s, and nowhere else", formParts)
	}
	zoned := s.form == formInstant || s.form == formUnixSeconds || s.form == formUnixMillis
	if s.zone != nil && !zoned {
		f.fault(node, place, "remove zone: this form has none")
	}
	if zoned && s.zone == nil {
		s.zone, _ = time.LoadLocation("Asia/Ho_Chi_Minh") // compiled in
	}
}
