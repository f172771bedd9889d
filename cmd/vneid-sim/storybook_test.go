package main

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/screen"
)

// startStorybook runs the command as people do and returns its address.
func startStorybook(t *testing.T) string {
	t.Helper()
	return start(t, "storybook", "--listen=localhost:0")
}

func TestStorybookShowsEveryScreenInBothLanguages(t *testing.T) {
	address := startStorybook(t)
	index := string(get(t, address+"/"))
	links := regexp.MustCompile(`href="(/([a-z_-]+)/\?lang=(vi|en))"`).FindAllStringSubmatch(index, -1)
	require.Len(t, links, 2*len(screen.Samples()))
	statuses := map[string]int{}
	for _, sample := range screen.Samples() {
		statuses[sample.Name] = sample.Status
	}
	style := regexp.MustCompile(`href="([^"]+\.css)"`)
	switches := regexp.MustCompile(`href="([^"]+[?&;]lang=(?:vi|en)[^"]*)"`)
	other := map[string]string{"vi": "en", "en": "vi"}
	for _, link := range links {
		path, name, language := html.UnescapeString(link[1]), link[2], link[3]
		t.Run(name+" "+language, func(t *testing.T) {
			body := shown(t, address+path, statuses[name], language)
			if found := style.FindStringSubmatch(body); assert.NotNil(t, found, "a style sheet") {
				get(t, address+found[1])
			}
			way := switches.FindStringSubmatch(body)
			require.NotNil(t, way, "a language switch")
			there := html.UnescapeString(way[1])
			translated := shown(t, address+there, statuses[name], other[language])
			assert.NotEqual(t, body, translated)
			back := html.UnescapeString(switches.FindStringSubmatch(translated)[1])
			assert.Equal(t, body, shown(t, address+back, statuses[name], language), "the same screen again")
		})
	}
}

func TestStorybookKeepsNothingAndLeadsBack(t *testing.T) {
	address := startStorybook(t)
	answer, err := http.PostForm(address+"/link/link/update", url.Values{"citizen_number": {"099190000345"}})
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.NotContains(t, string(body), "099190000345", "a form shows its screen, not what was typed")

	// Where a sample leads, nothing is: the index.
	assert.Equal(t, get(t, address+"/"), get(t, address+"/ho-so?trang=2"))
}

// shown asks for a page and holds it to its status and language.
func shown(t *testing.T, address string, status int, language string) string {
	t.Helper()
	answer, err := http.Get(address) //nolint:gosec // an address that this test was given by run
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, status, answer.StatusCode, address)
	require.Equal(t, language, answer.Header.Get("Content-Language"), address)
	return string(body)
}
