package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
)

// leakSecret is something that must not be found.
type leakSecret struct {
	what, text string
	// urls says that it may stand in an address: what OpenID Connect itself
	// puts there for one moment (code, state, nonce), good for one use.
	urls bool
}

// spellings are the ways in which a text may lie somewhere, by name.
func (s leakSecret) spellings() map[string]string {
	all := map[string]string{
		"plain": s.text, "hex": hex.EncodeToString([]byte(s.text)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s.text))),
		"query": url.QueryEscape(s.text), "path": url.PathEscape(s.text), "html": html.EscapeString(s.text),
		"UTF-16": wide(s.text), "reversed": backwards(s.text),
	}
	quoted, _ := json.Marshal(s.text) // a string always encodes
	all["JSON"] = strings.Trim(string(quoted), `"`)
	var percent strings.Builder
	for _, b := range []byte(s.text) {
		fmt.Fprintf(&percent, "%%%02X", b)
	}
	all["percent"] = percent.String()
	// Within a longer text base64 comes out in one of three ways, by where the
	// text begins; what it shares a character with its neighbours is cut off.
	for shift, from := range []int{0, 2, 3} {
		padded := append(make([]byte, shift), s.text...)
		to := len(padded) * 8 / 6
		all[fmt.Sprint("base64+", shift)] = base64.RawStdEncoding.EncodeToString(padded)[from:to]
		all[fmt.Sprint("base64url+", shift)] = base64.RawURLEncoding.EncodeToString(padded)[from:to]
	}
	if strings.Trim(s.text, "0123456789") == "" {
		all["number"] = strings.TrimLeft(s.text, "0")
	}
	for name, text := range all {
		// Half a token is a leak too; and the library finds what is shorter
		// than 64 bytes far faster.
		if extra := len(text) - 60; extra > 0 {
			all[name] = text[extra/2 : extra/2+60]
		}
	}
	return all
}

func wide(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

func backwards(text string) string {
	b := []byte(text)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// leakPlace is something that a run left.
type leakPlace struct {
	name   string
	text   []byte
	isURLs bool
}

// readings are the place as it is, with its percent escapes undone once and
// twice, and without what people put between digits.
func (p leakPlace) readings() [][]byte {
	all := [][]byte{p.text}
	decoded := p.text
	for range 2 {
		if next := unescaped(decoded); !bytes.Equal(next, decoded) {
			decoded = next
			all = append(all, decoded)
		}
	}
	squeezed := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" .-_+,/:\t\u00a0", r) {
			return -1
		}
		return r
	}, decoded)
	return append(all, squeezed)
}

// unescaped undoes %XX and leaves everything else as it is.
func unescaped(text []byte) []byte {
	var b []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := hex.DecodeString(string(text[i+1 : i+3])); err == nil {
				b = append(b, c[0])
				i += 2
				continue
			}
		}
		b = append(b, text[i])
	}
	return b
}

// leaks names what was found where; it does not repeat it.
func leaks(places []leakPlace, secrets []leakSecret) (found []string) {
	seen := map[string]bool{"": true}
	var different []leakSecret
	for _, secret := range secrets {
		if !seen[secret.text] {
			seen[secret.text] = true
			different = append(different, secret)
		}
	}
	for _, place := range places {
		readings := place.readings()
		for _, secret := range different {
			if place.isURLs && secret.urls {
				continue
			}
			for spelling, text := range secret.spellings() {
				for _, reading := range readings {
					if at := bytes.Index(reading, []byte(text)); at >= 0 {
						found = append(found, fmt.Sprintf("%s: %s (%s) at %d", place.name, secret.what, spelling, at))
						break
					}
				}
			}
		}
	}
	return found
}

// TestLeaksFindsWhatIsThere: a search that finds nothing proves something only
// if it finds what it should.
func TestLeaksFindsWhatIsThere(t *testing.T) {
	noise := bytes.Repeat([]byte("{\"time\":\"2026-11-23T08:15:30.123456789+07:00\",\"path\":\"/ho-so\"}\n\x00\xff"), 50)
	hidden := func(text string) leakPlace {
		return leakPlace{"canary", append(append(bytes.Clone(noise), text...), noise...), false}
	}
	secrets := []leakSecret{
		{"citizen number", "099185000121", false}, {"password", `mật khẩu "sai" & <dài>`, false},
		{"token", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", true},
	}
	assert.Empty(t, leaks([]leakPlace{hidden("")}, secrets))
	for _, secret := range secrets {
		for spelling, text := range secret.spellings() {
			assert.NotEmpty(t, leaks([]leakPlace{hidden(text)}, []leakSecret{secret}), "%s, %s", secret.what, spelling)
		}
		for _, before := range []string{"", "a", "ab", "abc"} {
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
				text := encoding.EncodeToString([]byte(before + secret.text + "xyz"))
				assert.NotEmpty(t, leaks([]leakPlace{hidden(text)}, []leakSecret{secret}), "%s in base64 after %q", secret.what, before)
			}
		}
		twice := url.QueryEscape(url.QueryEscape(secret.text))
		assert.NotEmpty(t, leaks([]leakPlace{hidden(twice)}, []leakSecret{secret}), secret.what)
	}
	for _, text := range []string{
		"099 185 000 121", "0991.8500.0121", "099-185-000-121", "099%20185%2E000%2D121", "099+185+000+121", "099\u00a0185\u00a0000\u00a0121", "99185000121",
	} {
		assert.NotEmpty(t, leaks([]leakPlace{hidden(text)}, secrets[:1]), text)
	}
	assert.Empty(t, leaks([]leakPlace{{"url", []byte(secrets[2].text), true}}, secrets), "a code may stand in an address")
}
