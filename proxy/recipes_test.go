package proxy_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recipe is a documented verification and how it is run.
type recipe struct {
	program string // absolute, or a name
	needs   string // what must be there besides
	args    []string
}

func recipes() map[string]recipe {
	return map[string]recipe{
		"php":    {"php", "", []string{"php/cli.php"}},
		"python": {"/usr/bin/python3", "/usr/lib/python3/dist-packages/cryptography", []string{"-B", "python/cli.py"}},
		"java":   {"java", "", []string{"java/Assertion.java"}},
	}
}

func (r recipe) missing() error {
	if _, err := exec.LookPath(r.program); err != nil {
		return err
	}
	if r.needs == "" {
		return nil
	}
	_, err := os.Stat(r.needs)
	return err
}

// presented is an assertion, and the account in X-Forwarded-User.
type presented struct {
	name, token, user string
	good              bool
}

// The verifications that docs/portals shows to portals accept what we sign and
// nothing else.
func TestRecipes(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	clock := &movable{now: time.Now()}
	var all []presented
	var jwks string
	for _, keys := range [][]crypto.Signer{{ed, p256}, {p256, ed}} {
		r := signedRig(t, clock, keys...)
		jwks = bodyOf(t, r.ask("GET /_vneid/jwks.json"))
		require.Equal(t, 200, r.ask("GET /a", "Cookie: "+r.cookie(linked(t))).StatusCode)
		token := r.last().Header.Get("X-Identity-Assertion")
		all = append(all, presented{"ours", token, "u-17", true})
		all = append(all, spoilt(t, token, jwks)...)
	}
	all = append(all, forgedClaims(t, ed, p256, jwks, clock.Now())...)
	for name, r := range recipes() {
		t.Run(name, func(t *testing.T) {
			if err := r.missing(); err != nil && os.Getenv("CI") != "true" {
				t.Skip("left out: ", err)
			} else {
				require.NoError(t, err)
			}
			file := filepath.Join(t.TempDir(), "jwks.json")
			require.NoError(t, os.WriteFile(file, []byte(jwks), 0o600))
			var lines, problems bytes.Buffer
			for _, p := range all {
				lines.WriteString(p.token + "\t" + p.user + "\n")
			}
			run := exec.Command(r.program, append(r.args, file, "https://"+publicHost, "portal", strconv.FormatInt(clock.Now().Unix(), 10))...)
			run.Dir, run.Stdin, run.Stderr = "../docs/portals", &lines, &problems
			out, err := run.Output()
			require.NoError(t, err, problems.String())
			got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
			require.Len(t, got, len(all), "%s", problems.String())
			for i, p := range all {
				want := "refused"
				if p.good {
					want = "ok\tu-17\tNguyễn Thị Lan"
				}
				assert.Equal(t, want, got[i], "%d %s", i, p.name)
			}
		})
	}
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// spoilt are ways to change a good token.
func spoilt(t *testing.T, token, jwks string) (all []presented) {
	parts := strings.Split(token, ".")
	add := func(name, token, user string) { all = append(all, presented{name, token, user, false}) }
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	for _, at := range []int{0, 31, 32, 63} {
		flipped := bytes.Clone(signature)
		flipped[at] ^= 1
		add("flipped signature", parts[0]+"."+parts[1]+"."+encoded(flipped), "u-17")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	add("changed payload", parts[0]+"."+encoded(bytes.Replace(payload, []byte("u-17"), []byte("u-18"), 1))+"."+parts[2], "u-18")
	var keys struct {
		Keys []struct{ Kid, Alg, X string }
	}
	require.NoError(t, json.Unmarshal([]byte(jwks), &keys))
	for _, key := range keys.Keys {
		for _, alg := range []string{"none", "None", "", "HS256", "EdDSA", "ES256", "RS256"} {
			header := encoded([]byte(`{"alg":"` + alg + `","kid":"` + key.Kid + `","typ":"JWT"}`))
			if header != parts[0] {
				add("header says "+alg, header+"."+parts[1]+"."+parts[2], "u-17")
			}
			add("no signature, "+alg, header+"."+parts[1]+".", "u-17")
		}
		public, err := base64.RawURLEncoding.DecodeString(key.X)
		require.NoError(t, err)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: public},
			(&jose.SignerOptions{}).WithHeader("kid", key.Kid))
		require.NoError(t, err)
		signed, err := signer.Sign(payload)
		require.NoError(t, err)
		text, err := signed.CompactSerialize()
		require.NoError(t, err)
		add("HMAC with the public key", text, "u-17")
	}
	for name, kid := range map[string]string{"unknown key": `"unknown"`, "key as a number": `1`, "key as null": `null`, "key as a list": `["a"]`} {
		add(name, encoded([]byte(`{"alg":"EdDSA","kid":`+kid+`}`))+"."+parts[1]+"."+parts[2], "u-17")
	}
	for name, text := range map[string]string{
		"nothing": "", "dots": "..", "one part": parts[0], "two parts": parts[0] + "." + parts[1], "four parts": token + "." + parts[2],
		"padded": token + "==", "a blank before": " " + token, "rubbish after": token + "!", "rubbish within": parts[0] + "." + parts[1] + "!." + parts[2],
		"header is a list": encoded([]byte("[]")) + "." + parts[1] + "." + parts[2], "two tokens": token + "," + token,
		"too long": strings.Repeat("a", 20000) + "." + parts[1] + "." + parts[2],
	} {
		add(name, text, "u-17")
	}
	for _, user := range []string{"", "u-1", "u-177", "U-17", "u-17,u-17"} {
		add("for "+user, token, user)
	}
	return all
}

// forgedClaims are signed with the very keys, but say something wrong.
func forgedClaims(t *testing.T, ed ed25519.PrivateKey, p256 *ecdsa.PrivateKey, jwks string, now time.Time) (all []presented) {
	var published jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(jwks), &published))
	for _, key := range published.Keys {
		var private any = ed
		if key.Algorithm == string(jose.ES256) {
			private = p256
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: private},
			(&jose.SignerOptions{}).WithHeader("kid", key.KeyID))
		require.NoError(t, err)
		for name, change := range map[string]func(map[string]any){
			"as it should be":     func(map[string]any) {},
			"another issuer":      func(c map[string]any) { c["iss"] = "https://evil.example" },
			"no issuer":           func(c map[string]any) { delete(c, "iss") },
			"another audience":    func(c map[string]any) { c["aud"] = "other" },
			"no audience":         func(c map[string]any) { delete(c, "aud") },
			"expired":             func(c map[string]any) { c["exp"] = now.Unix() },
			"never expires":       func(c map[string]any) { delete(c, "exp") },
			"expires as a text":   func(c map[string]any) { c["exp"] = "9999999999" },
			"expires as true":     func(c map[string]any) { c["exp"] = true },
			"from the future":     func(c map[string]any) { c["iat"] = now.Unix() + 3600 },
			"no time":             func(c map[string]any) { delete(c, "iat") },
			"nobody":              func(c map[string]any) { delete(c, "sub") },
			"subject as a number": func(c map[string]any) { c["sub"] = 17 },
			"subject as true":     func(c map[string]any) { c["sub"] = true },
		} {
			claims := map[string]any{
				"iss": "https://" + publicHost, "aud": "portal", "sub": "u-17", "name": "Nguyễn Thị Lan",
				"iat": now.Unix(), "exp": now.Unix() + 60,
			}
			change(claims)
			text, err := json.Marshal(claims)
			require.NoError(t, err)
			signed, err := signer.Sign(text)
			require.NoError(t, err)
			token, err := signed.CompactSerialize()
			require.NoError(t, err)
			all = append(all, presented{name + ", " + key.Algorithm, token, "u-17", name == "as it should be"})
		}
		signed, err := signer.Sign([]byte("no JSON"))
		require.NoError(t, err)
		token, err := signed.CompactSerialize()
		require.NoError(t, err)
		all = append(all, presented{"signed nonsense", token, "u-17", false})
	}
	return all
}
