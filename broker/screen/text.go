package screen

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"vneid-proxy/identity"
)

// words are the texts of one language. A text is plain, never markup;
// {organisation} and {hotline} are already filled in, other {names} are filled
// in by the template that uses it.
type words struct {
	language Language
	texts    map[string]string
	prefix   string
	register string
}

func readWords(language Language, config Config) (words, error) {
	w := words{language: language, prefix: config.Prefix, register: config.RegisterURL}
	raw, err := files.ReadFile("texts/" + string(language) + ".json")
	if err != nil {
		return w, fmt.Errorf("screen: %w", err)
	}
	if err := json.Unmarshal(raw, &w.texts); err != nil {
		return w, fmt.Errorf("screen: texts of %s: %w", language, err)
	}
	if config.Organisation != "" {
		w.texts["organisation"] = config.Organisation
	}
	fill := strings.NewReplacer("{organisation}", w.texts["organisation"], "{hotline}", config.Hotline)
	for key, text := range w.texts {
		w.texts[key] = fill.Replace(text)
	}
	return w, nil
}

func (w words) functions() template.FuncMap {
	return template.FuncMap{
		"t": w.text, "pick": w.pick, "of": w.of, "date": w.date, "moment": w.moment, "fill": fill, "birth": w.birth,
		"actions": w.actions, "wait": w.wait, "local": local,
	}
}

// text is the text of a key with {name} replaced by the value that follows the
// name. A missing key is an error: a page with a hole is not sent.
func (w words) text(key string, pairs ...any) (string, error) {
	text, ok := w.texts[key]
	if !ok {
		return "", fmt.Errorf("screen: no text %q in %s", key, w.language)
	}
	return fill(append(pairs[:len(pairs):len(pairs)], text)...), nil
}

// pick is the text of family.value.part (or family.value), or of
// family.generic where the value is unknown: a new reason or message must not
// cost a person the page.
func (w words) pick(family string, value any, part string) (string, error) {
	if part != "" {
		part = "." + part
	}
	if text, ok := w.texts[fmt.Sprintf("%s.%v%s", family, value, part)]; ok {
		return text, nil
	}
	return w.text(family + ".generic" + part)
}

// of is pick where the words would name VNeID: those about another provider
// name that one, where there are such.
func (w words) of(provider, family string, value any, part string) (string, error) {
	key := fmt.Sprintf("elsewhere.%s.%v", family, value)
	if part != "" {
		key += "." + part
	}
	if _, ok := w.texts[key]; ok && provider != "" {
		return w.text(key, "provider", provider)
	}
	return w.pick(family, value, part)
}

// date is a day as people write it, in Vietnam's time: that is where deadlines
// hold. The zone has had no summer time since 1975, so it needs no database.
func (w words) date(t time.Time) string {
	t = t.In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60))
	if w.language == English {
		return t.Format("2 January 2006")
	}
	return t.Format("02/01/2006")
}

// fill puts values into the {names} of the text that comes last.
func fill(pairs ...any) string {
	last := len(pairs) - 1
	text := fmt.Sprint(pairs[last])
	for i := 0; i+1 < last; i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return text
}

// moment is a time of day too.
func (w words) moment(t time.Time) string {
	return t.In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)).Format("15:04 ") + w.date(t)
}

func (w words) birth(d identity.BirthDate) string {
	if d.IsZero() || d.YearOnly() {
		return d.String()
	}
	day := time.Date(d.Year, time.Month(d.Month), d.Day, 12, 0, 0, 0, time.UTC)
	return w.date(day)
}

// wait says how long to wait, rounded up, or "" for no time.
func (w words) wait(d time.Duration) (string, error) {
	switch n := seconds(d); {
	case n <= 0:
		return "", nil
	case n <= 60:
		return w.text("wait.seconds", "n", n)
	default:
		return w.text("wait.minutes", "n", (n+59)/60)
	}
}
