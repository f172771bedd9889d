package session_test

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

// requireRefused checks that nobody is opened and that the reason is counted.
func requireRefused(t *testing.T, w *world, r *http.Request, reasons ...string) {
	t.Helper()
	require.Nil(t, w.Open(r))
	require.Equal(t, reasons, w.refused())
}

func TestEveryBitFlipped(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	s := fullSession(t)
	admit(t, w, b, s)
	name, value := b.only(t)
	sealed, err := base64.URLEncoding.DecodeString(value)
	require.NoError(t, err)
	for bit := range 8 * len(sealed) {
		spoilt := []byte(string(sealed))
		spoilt[bit/8] ^= 1 << (bit % 8)
		requireRefused(t, w, request(name+"="+base64.URLEncoding.EncodeToString(spoilt)), "session forged")
	}
	for bit := range 8 * len(value) {
		spoilt := []byte(value)
		spoilt[bit/8] ^= 1 << (bit % 8)
		if got, err := base64.URLEncoding.DecodeString(string(spoilt)); err == nil && string(got) == string(sealed) {
			continue // a bit that base64 leaves unused
		}
		requireRefused(t, w, request(name+"="+string(spoilt)), "session forged")
	}
}

func TestTruncatedAndExtended(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	admit(t, w, b, fullSession(t))
	name, value := b.only(t)
	for n := range len(value) {
		requireRefused(t, w, request(name+"="+value[:n]), "session forged")
		requireRefused(t, w, request(name+"="+value[n+1:]), "session forged")
	}
	for _, more := range []string{"A", "AAAA", "=", "==", value, "|", "."} {
		requireRefused(t, w, request(name+"="+value+more), "session forged")
		requireRefused(t, w, request(name+"="+more+value), "session forged")
	}
	requireRefused(t, w, request(name), "session forged")
	requireRefused(t, w, request(name+`="`+value+`"`), "session forged")
}

func TestHalvesOfTwoPeople(t *testing.T) {
	w, a, b := newWorld(t, true), browser{}, browser{}
	one, other := fullSession(t), fullSession(t)
	other.Account.ID, other.Citizen.Number = "1048577", number(t, 777)
	admit(t, w, a, one)
	admit(t, w, b, other)
	name, first := a.only(t)
	_, second := b.only(t)
	for cut := 1; cut < min(len(first), len(second)); cut++ {
		// What lies before the cut may be the same for both: time of sealing.
		if first[:cut] != second[:cut] && first[cut:] != second[cut:] {
			requireRefused(t, w, request(name+"="+first[:cut]+second[cut:]), "session forged")
			requireRefused(t, w, request(name+"="+second[:cut]+first[cut:]), "session forged")
		}
	}
}

// Each value is good under its own name alone.
func TestValuesUnderOtherNames(t *testing.T) {
	w := newWorld(t, true)
	values := map[string]string{}
	for _, write := range []func(rw http.ResponseWriter){
		func(rw http.ResponseWriter) { require.NoError(t, w.Admit(rw, fullSession(t))) },
		func(rw http.ResponseWriter) { require.NoError(t, w.Prove(rw, fullProof(t))) },
		func(rw http.ResponseWriter) {
			require.NoError(t, w.Begin(rw, request(), session.NewAttempt("vneid", "/", noon)))
		},
	} {
		b := browser{}
		b.take(t, write)
		name, value := b.only(t)
		values[name] = value
	}
	require.Len(t, values, 3)
	names := []string{"__Host-vneid_session", "__Host-vneid_proof"}
	for slot := range session.MaxAttempts {
		names = append(names, "__Host-vneid_attempt_"+string(rune('0'+slot)))
	}
	for from, value := range values {
		for _, to := range names {
			if from == to {
				continue
			}
			r := request(to + "=" + value)
			require.Nil(t, w.Open(r), "%s as %s", from, to)
			require.Empty(t, w.Attempts(r), "%s as %s", from, to)
			kind := strings.TrimLeft(strings.TrimPrefix(to, "__Host-vneid_"), "_")
			kind, _, _ = strings.Cut(kind, "_")
			require.Equal(t, []string{kind + " forged"}, w.refused())
		}
	}
}

// A cookie of the https site is none on the http site and the reverse: the
// name is authenticated too.
func TestValuesAcrossSchemes(t *testing.T) {
	secure, plain := newWorld(t, true), newWorld(t, false)
	b := browser{}
	admit(t, secure, b, fullSession(t))
	_, value := b.only(t)
	assert.Nil(t, plain.Open(b.request()))
	assert.Empty(t, plain.refused(), "not even ours")
	requireRefused(t, plain, request("vneid_session="+value), "session forged")
}

func TestDoubled(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	admit(t, w, b, fullSession(t))
	name, value := b.only(t)
	good := name + "=" + value
	for _, headers := range [][]string{
		{good + "; " + good}, {good, good}, {good + "; " + name + "=x"}, {name + "=; " + good},
		{good + ";" + good}, {good + "; a=b; " + name}, {good + "; \t" + good}, {"a=b; " + good, name + "=x; c=d"},
	} {
		requireRefused(t, w, request(headers...), "session doubled")
	}
	for _, headers := range [][]string{
		{"a=b; " + good}, {"a=b", good}, {good + "; " + strings.ToUpper(name) + "=x"}, {good + "; " + name + " =x"},
		{good + "; vneid_session=" + value}, {good + "; x" + good}, {" " + good + " "}, {good + ";"}, {"; ;" + good},
	} {
		require.NotNil(t, w.Open(request(headers...)), "%q", headers)
		require.Empty(t, w.refused())
	}

	proof := browser{}
	prove(t, w, proof, fullProof(t))
	name, value = proof.only(t)
	requireRefused(t, w, request(name+"="+value+"; "+name+"="+value), "proof doubled")

	attempt := browser{}
	attempt.take(t, func(rw http.ResponseWriter) {
		require.NoError(t, w.Begin(rw, request(), session.NewAttempt("vneid", "/", noon)))
	})
	name, value = attempt.only(t)
	assert.Empty(t, w.Attempts(request(name+"="+value+"; "+name+"=x")))
	assert.Equal(t, []string{"attempt doubled"}, w.refused())
}

func TestKeys(t *testing.T) {
	b := browser{}
	old := newWorld(t, true, key(1))
	s := fullSession(t)
	admit(t, old, b, s)

	stranger := newWorld(t, true, key(2))
	requireRefused(t, stranger, b.request(), "session forged")

	rotated := newWorld(t, true, key(2), key(1))
	opened, ok := rotated.Open(b.request()).(*session.Session)
	require.True(t, ok, "an old key still opens")
	assert.Equal(t, s.ID, opened.ID)
	assert.Empty(t, rotated.refused())

	rotated.now = noon.Add(idle / 2)
	b.take(t, func(rw http.ResponseWriter) { require.True(t, rotated.Refresh(rw, opened)) })
	stranger.now = rotated.now
	assert.NotNil(t, stranger.Open(b.request()), "resealed under the first key")
	old.now = rotated.now
	requireRefused(t, old, b.request(), "session forged")
}

func TestHugeAndRandom(t *testing.T) {
	w := newWorld(t, true)
	const name = "__Host-vneid_session="
	for _, size := range []int{4095, 4096, 4097, 5000, 1 << 20} {
		requireRefused(t, w, request(name+strings.Repeat("A", size)), "session forged")
	}
	random := rand.NewChaCha8([32]byte{7})
	for range 2000 {
		junk := make([]byte, rand.IntN(600))
		_, _ = random.Read(junk)
		requireRefused(t, w, request(name+base64.URLEncoding.EncodeToString(junk)), "session forged")
		raw := strings.Map(func(r rune) rune {
			if r == ';' {
				return '.'
			}
			return r
		}, string(junk))
		requireRefused(t, w, request(name+raw), "session forged")
	}
	for _, value := range []string{"", " ", "null", "{}", "\x00", "MTcwMDAwMDAwMHx8", base64.URLEncoding.EncodeToString([]byte("0||")), "||", "MHwwfDA="} {
		requireRefused(t, w, request(name+value), "session forged")
	}
}

func TestMarks(t *testing.T) {
	w := newWorld(t, true)
	id, other := []byte("first"), []byte("second")
	tag := w.Mark("csrf", id, "")
	assert.Equal(t, tag, w.Mark("csrf", id, ""), "the same each time")
	assert.True(t, w.Marked(tag, "csrf", id, ""))
	for name, ok := range map[string]bool{
		"another purpose":     w.Marked(tag, "account", id, ""),
		"another id":          w.Marked(tag, "csrf", other, ""),
		"another value":       w.Marked(tag, "csrf", id, "a"),
		"no id":               w.Marked(tag, "csrf", nil, ""),
		"shifted to the id":   w.Marked(w.Mark("csrf", []byte("ab"), "c"), "csrf", []byte("a"), "bc"),
		"shifted to purpose":  w.Marked(w.Mark("csrf", []byte("ab"), ""), "csrfa", []byte("b"), ""),
		"empty":               w.Marked("", "csrf", id, ""),
		"cut":                 w.Marked(tag[:len(tag)-1], "csrf", id, ""),
		"longer":              w.Marked(tag+"A", "csrf", id, ""),
		"other case":          w.Marked(strings.ToLower(tag), "csrf", id, "") && strings.ToLower(tag) != tag,
		"of another key":      w.Marked(newWorld(t, true, key(9)).Mark("csrf", id, ""), "csrf", id, ""),
		"padded with a blank": w.Marked(" "+tag, "csrf", id, ""),
	} {
		assert.False(t, ok, name)
	}
	rotated := newWorld(t, true, key(2), key(1))
	assert.True(t, rotated.Marked(tag, "csrf", id, ""), "a form drawn before the rotation")
	assert.NotEqual(t, tag, rotated.Mark("csrf", id, ""))
	assert.True(t, newWorld(t, true, key(2)).Marked(rotated.Mark("csrf", id, ""), "csrf", id, ""))
	assert.GreaterOrEqual(t, len(tag), 32, "192 bits in base64url")
}

func FuzzOpen(f *testing.F) {
	w, b := newWorld(f, true), browser{}
	s := fullSession(f)
	s.ID = session.ID{1} // each worker seals one of its own
	admit(f, w, b, s)
	name, value := b.only(f)
	for _, header := range []string{
		name + "=" + value, name + "=" + value[:30], name, name + "=", "__Host-vneid_proof=" + value,
		"__Host-vneid_attempt_0=x; " + name + "=" + value, "a=b;;" + name + "=" + value + ";", ";=;", "\x00", name + "=" + value + "; " + name + "=",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := request(header)
		if stage := w.Open(r); stage != nil {
			opened, ok := stage.(*session.Session)
			require.True(t, ok && opened.ID == s.ID && opened.Account.ID == s.Account.ID, "only what was sealed opens")
			require.Contains(t, header, name+"=")
		}
		require.Empty(t, w.Attempts(r))
		w.refused()
		session.Strip(r.Header)
		require.Nil(t, w.Open(r), "nothing of ours is left")
		require.Empty(t, w.refused(), "not even a forged one")
		for _, left := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(left, ";") {
				pairName, _, _ := strings.Cut(pair, "=")
				require.False(t, session.Ours(pairName))
			}
		}
	})
}
