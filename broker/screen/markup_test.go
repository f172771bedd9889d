package screen_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/screen"
)

type element struct {
	name    string
	attr    map[string]string
	form    int    // index of the form it stands in, -1 for none
	content string // text directly or deeper inside
}

// parse reads a page strictly: every element that is not void is closed, in
// order. It answers the elements in the order of their start tags.
func parse(t *testing.T, body string) []*element {
	t.Helper()
	rest, found := strings.CutPrefix(body, "<!DOCTYPE html>\n")
	require.True(t, found, "standards mode")
	d := xml.NewDecoder(strings.NewReader(rest))
	d.Strict = false // attributes without value are proper HTML; nesting is checked here
	d.Entity = xml.HTMLEntity
	var all, open []*element
	form, forms := -1, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				_, twice := e.attr[a.Name.Local]
				require.False(t, twice, "attribute twice: %s %s", e.name, a.Name.Local)
				e.attr[a.Name.Local] = a.Value
			}
			if e.name == "form" {
				require.Equal(t, -1, form, "form inside a form")
				form, forms = forms, forms+1
			}
			e.form = form
			all = append(all, e)
			if !slices.Contains([]string{"meta", "link", "img", "input", "br", "hr"}, e.name) {
				open = append(open, e)
			}
		case xml.EndElement:
			require.NotEmpty(t, open, "stray </%s>", token.Name.Local)
			require.Equal(t, open[len(open)-1].name, token.Name.Local, "closed out of order")
			open = open[:len(open)-1]
			if token.Name.Local == "form" {
				form = -1
			}
		case xml.CharData:
			for _, e := range open {
				e.content += string(token)
			}
		}
	}
	require.Empty(t, open, "left open")
	return all
}

func assertWellFormed(t *testing.T, body string) { t.Helper(); parse(t, body) }

func named(all []*element, name string) []*element {
	return slices.DeleteFunc(slices.Clone(all), func(e *element) bool { return e.name != name })
}

func TestPagesAreSoundMarkup(t *testing.T) {
	everywhere(t, func(t *testing.T, _ screen.Sample, language screen.Language, body string) {
		all := parse(t, body)
		require.Equal(t, string(language), named(all, "html")[0].attr["lang"])
		require.Len(t, named(all, "h1"), 1)
		require.Len(t, named(all, "main"), 1)
		title := strings.TrimSpace(named(all, "title")[0].content)
		assert.True(t, strings.HasPrefix(title, strings.TrimSpace(named(all, "h1")[0].content)+" – "), title)
		ids := map[string]*element{}
		for _, e := range all {
			if id := e.attr["id"]; id != "" {
				assert.Nil(t, ids[id], "id twice: %s", id)
				ids[id] = e
			}
		}
		labels := map[string]string{}
		for _, label := range named(all, "label") {
			labels[label.attr["for"]] = strings.TrimSpace(label.content)
		}
		for _, e := range all {
			for _, attribute := range []string{"aria-describedby", "aria-labelledby", "form", "for"} {
				for id := range strings.FieldsSeq(e.attr[attribute]) {
					assert.Contains(t, ids, id, "%s of %s", attribute, e.name)
				}
			}
			if e.name == "a" && strings.HasPrefix(e.attr["href"], "#") {
				assert.Contains(t, ids, e.attr["href"][1:], "link into the page")
			}
			if e.name == "input" && e.attr["type"] != "hidden" {
				assert.NotEmpty(t, labels[e.attr["id"]], "label of %s", e.attr["name"])
			}
			if e.name == "img" {
				assert.Contains(t, e.attr, "alt")
			}
			if e.name == "button" || e.name == "a" || e.name == "h2" || e.name == "dt" || e.name == "dd" || e.name == "p" || e.name == "li" {
				assert.NotEmpty(t, strings.TrimSpace(e.content), "empty %s", e.name)
			}
		}
		assert.NotRegexp(t, regexp.MustCompile(`\{[a-z]+\}|ZgotmplZ|%!|<no value>`), body, "a hole in a text")
	})
}

func TestPagesNeedNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, sample screen.Sample, _ screen.Language, body string) {
		for _, e := range parse(t, body) {
			if _, signIn := sample.Page.(screen.SignIn); !signIn {
				assert.NotEqual(t, "script", e.name)
			}
			assert.NotContains(t, []string{"style", "iframe", "object", "embed", "base", "svg"}, e.name)
			for name, value := range e.attr {
				assert.NotEqual(t, "style", name)
				assert.False(t, strings.HasPrefix(name, "on"), name)
				if name == "src" || (e.name == "link" && name == "href") {
					assert.True(t, strings.HasPrefix(value, prefix+"/static/"), value)
				}
			}
		}
	})
}

func TestFormsPostUnderThePrefixWithTheirToken(t *testing.T) {
	actions := map[string]bool{}
	everywhere(t, func(t *testing.T, _ screen.Sample, _ screen.Language, body string) {
		all := parse(t, body)
		for i, form := range named(all, "form") {
			assert.Equal(t, "post", form.attr["method"])
			assert.True(t, strings.HasPrefix(form.attr["action"], prefix+"/"), form.attr["action"])
			actions[form.attr["action"]] = true
			tokens := 0
			for _, input := range named(all, "input") {
				if input.form == i && input.attr["name"] == screen.FieldCSRF {
					assert.Equal(t, "sample-token", input.attr["value"])
					tokens++
				}
			}
			if action, query, found := strings.Cut(form.attr["action"], "?"); found {
				// What is sent on byte for byte has no room for a field of ours.
				assert.Equal(t, prefix+"/unsent", action)
				assert.Equal(t, "token=sample-token", query)
				assert.Zero(t, tokens)
			} else {
				assert.Equal(t, 1, tokens, form.attr["action"])
			}
			submits := slices.ContainsFunc(named(all, "button"), func(b *element) bool {
				return b.attr["type"] == "submit" && (b.attr["form"] == "" && b.form == i || b.attr["form"] != "" && b.attr["form"] == form.attr["id"])
			})
			assert.True(t, submits, "a button sends %s", form.attr["action"])
		}
		for _, input := range named(all, "input") {
			switch input.attr["name"] {
			case screen.FieldUsername:
				assert.Equal(t, "username", input.attr["autocomplete"])
			case screen.FieldPassword:
				assert.Equal(t, "current-password", input.attr["autocomplete"])
				assert.NotContains(t, input.attr, "value")
			case screen.FieldConsent:
				assert.NotContains(t, input.attr, "checked")
				assert.Equal(t, screen.ConsentGiven, input.attr["value"])
			case screen.FieldAccount:
				assert.NotContains(t, input.attr, "checked")
			}
		}
	})
	assert.Equal(t, map[string]bool{
		prefix + "/sign-in/legacy": true, prefix + "/link/update": true, prefix + "/link/skip": true, prefix + "/link/choose": true,
		prefix + "/link/proof": true, prefix + "/link/none": true, prefix + "/identity/update": true, prefix + "/sign-out": true,
		prefix + "/identity/unlink": true, prefix + "/identity/keep": true, prefix + "/notices": true,
		prefix + "/unsent?token=sample-token": true,
	}, actions)
}

func TestStaticFilesOfPagesExist(t *testing.T) {
	s := screens(t)
	body := get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{}).Body.String()
	found := regexp.MustCompile(`"(/_vneid/static/[^"]+)"`).FindAllStringSubmatch(body, -1)
	require.Len(t, found, 3)
	for _, match := range found {
		assert.Equal(t, http.StatusOK, fetch(s, http.MethodGet, match[1]).Code, match[1])
	}
}
