package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"
)

//go:embed document.md
var opening string // the part of the document that no tag says

// Markdown is docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(opening)
	group := -1
	for _, v := range variables() {
		if v.group != group {
			group = v.group
			tag := reflect.TypeFor[Config]().Field(group).Tag
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| `%s…` | value | default | meaning |\n|---|---|---|---|\n", tag.Get("title"), tag.Get("about"), Prefix)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.name, v.valueCell(), v.defaultCell(), cell(v.tag("doc")+v.exampleNote()))
	}
	return b.String()
}

func (v variable) valueCell() string {
	if choice := split(v.tag("choice")); choice != nil {
		return "`" + strings.Join(choice, "`, `") + "`"
	}
	return cell(v.form().words)
}

func (v variable) defaultCell() string {
	switch preset := v.tag("envDefault"); {
	case preset != "":
		return "`" + preset + "`"
	case v.tag("presets") != "":
		var cells []string
		for pair := range strings.FieldsSeq(v.tag("presets")) {
			provider, value, _ := strings.Cut(pair, "=")
			cells = append(cells, "`"+value+"` ("+provider+")")
		}
		return strings.Join(cells, ", ")
	case strings.Contains(v.tag("env"), ",notEmpty"):
		return "**required**"
	case v.tag("need") != "":
		return "**required** " + v.tag("need")
	}
	return "unset"
}

func (v variable) exampleNote() string {
	var note string
	if v.secret() {
		note = " Also as `" + v.name + fileSuffix + "`."
	}
	if only := split(v.tag("only")); only != nil {
		note += " Only with `PROVIDER=" + strings.Join(only, "`, `") + "`."
	}
	if profiles := v.profiles(); profiles != nil {
		note += " Only with `POPULATION_PROFILE=" + strings.Join(profiles, "`, `") + "`."
	}
	if example := v.tag("example"); example != "" {
		note += " Example: `" + example + "`."
	}
	if later := split(v.tag("later")); later != nil {
		note += " Refused until a later release: `" + strings.Join(later, "`, `") + "`."
	}
	return note
}

// cell keeps a text within its column.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
