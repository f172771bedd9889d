package screen_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/screen"
)

func fetch(s *screen.Screens, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Static().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestStatic(t *testing.T) {
	s := screens(t)
	body := get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{}).Body.String()
	style := regexp.MustCompile(`/_vneid/static/style\.[0-9a-f]{16}\.css`).FindString(body)
	require.NotEmpty(t, style)
	mark := regexp.MustCompile(`/_vneid/static/mark\.[0-9a-f]{16}\.svg`).FindString(body)
	require.NotEmpty(t, mark)

	w := fetch(s, http.MethodGet, style)
	source, err := os.ReadFile("static/style.css")
	require.NoError(t, err)
	assert.Equal(t, string(source), w.Body.String())
	assert.Equal(t, "text/css; charset=utf-8", w.Header().Get("Content-Type"))
	assert.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	assert.Equal(t, "image/svg+xml", fetch(s, http.MethodGet, mark).Header().Get("Content-Type"))
	assert.Zero(t, fetch(s, http.MethodHead, style).Body.Len())
	assert.Equal(t, http.StatusMethodNotAllowed, fetch(s, http.MethodPost, style).Code)

	for _, path := range []string{
		prefix + "/static/style.css", prefix + "/static/style.0000000000000000.css", prefix + "/static/",
		prefix + "/static/../templates/link.html", strings.TrimPrefix(style, prefix), style + "/",
	} {
		w := fetch(s, http.MethodGet, path)
		assert.Equal(t, http.StatusNotFound, w.Code, path)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), path)
	}
}

func TestStaticFilesLoadNothing(t *testing.T) {
	for _, name := range []string{"static/style.css", "static/mark.svg"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		text := strings.ReplaceAll(string(source), `xmlns="http://www.w3.org/2000/svg"`, "")
		assert.NotRegexp(t, `(?i)https?:|url\(|@import|<script|style=`, text, name)
	}
}

// The contrast of each pair of colours that carries words is at least 4.5:1
// (WCAG 2.2, 1.4.3).
func TestContrast(t *testing.T) {
	source, err := os.ReadFile("static/style.css")
	require.NoError(t, err)
	colour := map[string]string{"white": "ffffff"}
	for _, found := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(string(source), -1) {
		colour[found[1]] = found[2]
	}
	for _, pair := range [][2]string{
		{"ink", "paper"}, {"ink", "ground"}, {"ink", "tint"}, {"ink", "warn"}, {"ink", "good-tint"}, {"navy", "paper"},
		{"white", "navy"}, {"white", "accent"}, {"white", "accent-deep"}, {"accent", "paper"}, {"accent-deep", "tint"},
		{"soft", "paper"}, {"soft", "ground"}, {"soft", "tint"}, {"bad", "paper"}, {"bad", "bad-tint"}, {"good", "good-tint"},
	} {
		assert.GreaterOrEqual(t, contrast(t, colour[pair[0]], colour[pair[1]]), 4.5, "%v", pair)
	}
	assert.GreaterOrEqual(t, contrast(t, colour["edge"], colour["paper"]), 3.0, "edges of controls (1.4.11)")
}
