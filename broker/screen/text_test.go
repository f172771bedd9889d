package screen_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"vneid-proxy/broker/screen"
)

// texts reads a language and refuses a key written twice, which
// encoding/json would let pass.
func texts(t *testing.T, language string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("texts/" + language + ".json")
	require.NoError(t, err)
	var all map[string]string
	require.NoError(t, json.Unmarshal(raw, &all))
	keys := regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllStringSubmatch(string(raw), -1)
	require.Len(t, keys, len(all), "a key twice, or not one to a line")
	return all
}

func TestBothLanguagesAreComplete(t *testing.T) {
	vi, en := texts(t, "vi"), texts(t, "en")
	name := regexp.MustCompile(`\{[a-z]+\}`)
	names := func(text string) []string {
		found := name.FindAllString(text, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	for key, text := range vi {
		assert.NotEmpty(t, strings.TrimSpace(text), key)
		assert.NotEmpty(t, strings.TrimSpace(en[key]), key)
		assert.Equal(t, names(text), names(en[key]), "the same values in %s", key)
		assert.True(t, norm.NFC.IsNormalString(text), key)
		assert.NotRegexp(t, `[<>&]`, text+en[key], "texts are no markup: %s", key)
	}
	for key := range en {
		assert.Contains(t, vi, key)
	}
}

func TestTemplatesAndValuesHaveTheirTexts(t *testing.T) {
	vi := texts(t, "vi")
	used := map[string]bool{}
	need := func(key string) { used[key] = true; assert.Contains(t, vi, key) }
	templates, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	require.NotEmpty(t, templates)
	for _, name := range templates {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`\bt "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			need(found[1])
		}
	}
	for _, reason := range append(screen.Reasons(), "generic") {
		for _, part := range []string{"title", "text", "next"} {
			need("refused." + string(reason) + "." + part)
		}
	}
	for key := range vi {
		if rest, found := strings.CutPrefix(key, "elsewhere."); found {
			used[key] = true
			need(rest) // what it takes the place of
		}
	}
	for _, row := range append(screen.Rows(), "generic") {
		need("row." + string(row))
	}
	for _, e := range []screen.FieldError{"generic", screen.NumberMalformed, screen.NumberMismatch, screen.ConsentMissing, screen.CredentialWrong, screen.AccountMissing, screen.ProofOther, screen.TriesSpent} {
		need("fault." + string(e))
	}
	for _, a := range []screen.Answer{"generic", screen.AnswerNotMatched, screen.AnswerConflict} {
		need("answer." + string(a))
	}
	for _, n := range []screen.Notice{"generic", screen.NoticeExpired, screen.NoticeSignedOut, screen.NoticeProviderDown, screen.NoticeUpdated, screen.NoticePending, screen.NoticeSkipped, screen.NoticeUnsent, screen.NoticeUnlinkAsked, screen.NoticeUnlinkWithdrawn} {
		need("notice." + string(n))
	}
	for _, a := range []screen.ActionLabel{"generic", screen.ActionSignIn, screen.ActionVNeID, screen.ActionLink, screen.ActionRetry, screen.ActionHome,
		screen.ActionSignOut, screen.ActionRegister, screen.ActionIdentity, screen.ActionContinue, screen.ActionOther} {
		need("action." + string(a))
	}
	for _, event := range []string{"generic", "linked", "unlink_asked", "unlinked"} {
		need("happened." + event)
	}
	for _, kind := range []string{"generic", "match", "link"} {
		for _, part := range []string{"label", "data", "purpose"} {
			need("consent." + kind + "." + part)
		}
	}
	need("wait.seconds")
	need("wait.minutes")
	for key := range vi {
		assert.True(t, used[key], "nothing uses %s", key)
	}
}

// The answer to a number that does not match must not say which detail is
// wrong: the screen would answer guesses.
func TestMismatchNamesEveryDetail(t *testing.T) {
	vi := texts(t, "vi")["fault.number_mismatch"]
	for _, detail := range []string{"số CCCD", "họ tên", "ngày sinh", "{hotline}"} {
		assert.Contains(t, vi, detail)
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		require.Len(t, hex, 6)
		var sum float64
		for i, weight := range []float64{.2126, .7152, .0722} {
			n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			require.NoError(t, err)
			c := float64(n) / 255
			if c <= .04045 {
				sum += weight * c / 12.92
			} else {
				sum += weight * math.Pow((c+.055)/1.055, 2.4)
			}
		}
		return sum
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}
