package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
)

// How long the stages before a session last.
const (
	AttemptLifetime = 10 * time.Minute
	ProofLifetime   = 15 * time.Minute
)

// Config says how a Jar seals.
type Config struct {
	// Keys are the cookie keys, 32 bytes each; required. The first seals, all
	// open.
	Keys [][]byte
	// Secure is whether the public URL is https: cookies are then Secure and
	// named __Host-.
	Secure bool
	// Lifetime ends a session that many after its sign-in; required.
	Lifetime time.Duration
	// Idle ends a session unused for that long; required. A session is
	// written anew once a fifth of it has passed.
	Idle time.Duration
	// Refused is told of each cookie of ours that counts as none: which
	// ("session", "proof", "attempt") and why ("forged", "doubled",
	// "expired"). Nil tells nobody.
	Refused func(cookie, reason string)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// kind is one of the three cookies; each has keys of its own.
type kind int

const (
	attemptCookie kind = iota
	proofCookie
	sessionCookie
)

var kindNames = [...]string{attemptCookie: "attempt", proofCookie: "proof", sessionCookie: "session"}

// maxCookie bounds a cookie's value, in bytes: browsers drop, without a word,
// what exceeds 4096 with its name (RFC 6265bis, 5.6).
const maxCookie = 4096 - len("__Host-vneid_attempt_0")

// Jar seals and opens what a browser carries. It is safe for concurrent use.
type Jar struct {
	config       Config
	codecs       [3][]securecookie.Codec
	marks        [][]byte // one key per secret, for Mark
	proofName    string
	sessionName  string
	attemptNames [MaxAttempts]string
}

// NewJar checks the configuration and derives a key per purpose (HKDF,
// RFC 5869).
func NewJar(c Config) (*Jar, error) {
	if len(c.Keys) == 0 {
		return nil, errors.New("session: no key")
	}
	if c.Lifetime <= 0 || c.Idle <= 0 {
		return nil, errors.New("session: lifetime and idle must be positive")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Refused == nil {
		c.Refused = func(string, string) {}
	}
	j := &Jar{config: c}
	for i, key := range c.Keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("session: key %d has %d bytes, not 32", i+1, len(key))
		}
		for k, name := range kindNames {
			codec := securecookie.New(derive(key, name+" authenticate"), derive(key, name+" encrypt"))
			// The records carry their own times, judged by one clock.
			codec.MaxAge(0).MaxLength(maxCookie).SetSerializer(serializer{version})
			j.codecs[k] = append(j.codecs[k], codec)
		}
		j.marks = append(j.marks, derive(key, "mark"))
	}
	prefix := ""
	if c.Secure {
		prefix = "__Host-"
	}
	j.proofName, j.sessionName = prefix+"vneid_proof", prefix+"vneid_session"
	for slot := range j.attemptNames {
		j.attemptNames[slot] = attemptName(prefix, slot)
	}
	return j, nil
}

// derive cannot fail: 32 bytes are far below HKDF's limit.
func derive(key []byte, purpose string) []byte {
	derived, _ := hkdf.Key(sha256.New, key, nil, "vneid-proxy cookie "+purpose, 32)
	return derived
}

// Open returns what the request's browser holds: nil, a *Proof or a *Session.
// A session wins over a proof left behind by a lost answer. It does not know
// what was ended elsewhere: the caller asks the revocation feed.
func (j *Jar) Open(r *http.Request) Stage {
	// The records are made where there is a cookie to read: most requests of a
	// portal have none of ours.
	if value, ok := j.value(r, sessionCookie, j.sessionName); ok {
		s := new(Session)
		if j.unseal(sessionCookie, j.sessionName, value, s) &&
			j.fresh(sessionCookie, s.Begun, j.config.Lifetime) && j.fresh(sessionCookie, s.Sealed, j.config.Idle) {
			return s
		}
	}
	if value, ok := j.value(r, proofCookie, j.proofName); ok {
		p := new(Proof)
		if j.unseal(proofCookie, j.proofName, value, p) && j.fresh(proofCookie, p.Begun, ProofLifetime) {
			return p
		}
	}
	return nil
}

// Last is the session whose cookie the browser still holds, however old; nil
// is none. It admits nobody: it tells whether the browser changes hands.
func (j *Jar) Last(r *http.Request) *Session {
	value, count := find(r.Header["Cookie"], j.sessionName)
	if count != 1 {
		return nil
	}
	for _, codec := range j.codecs[sessionCookie] {
		if s := new(Session); codec.Decode(j.sessionName, value, s) == nil {
			return s
		}
	}
	return nil
}

// Admit writes a session, with the moment as its Sealed time, and takes the
// proof away: a browser never holds both.
func (j *Jar) Admit(w http.ResponseWriter, s *Session) error {
	s.Sealed = j.config.Now()
	if err := j.seal(w, sessionCookie, j.sessionName, s); err != nil {
		return err
	}
	j.remove(w, j.proofName)
	return nil
}

// Prove writes a proof and takes the session away.
func (j *Jar) Prove(w http.ResponseWriter, p *Proof) error {
	if err := j.seal(w, proofCookie, j.proofName, p); err != nil {
		return err
	}
	j.remove(w, j.sessionName)
	return nil
}

// Refresh writes the session anew once a fifth of its idle time has passed,
// and reports whether it did. The caller calls it for navigations only, so
// that a page that polls does not keep an absent person signed in.
func (j *Jar) Refresh(w http.ResponseWriter, s *Session) bool {
	now := j.config.Now()
	if now.Sub(s.Sealed) < j.config.Idle/5 {
		return false
	}
	renewed := *s
	renewed.Sealed = now
	return j.seal(w, sessionCookie, j.sessionName, &renewed) == nil
}

// Clear takes session and proof away.
func (j *Jar) Clear(w http.ResponseWriter) {
	j.remove(w, j.sessionName)
	j.remove(w, j.proofName)
}

// Drop takes the proof away and leaves a session that another answer to this
// browser may just have written.
func (j *Jar) Drop(w http.ResponseWriter) { j.remove(w, j.proofName) }

// Ends is when the session ends at the latest.
func (j *Jar) Ends(s *Session) time.Time {
	ends, idle := s.Begun.Add(j.config.Lifetime), s.Sealed.Add(j.config.Idle)
	if idle.Before(ends) {
		return idle
	}
	return ends
}

// Mark is a keyed tag over purpose, id and value: a form's CSRF token, or the
// handle by which one proof names an account without telling its id.
func (j *Jar) Mark(purpose string, id []byte, value string) string {
	return mark(j.marks[0], purpose, id, value)
}

// Marked reports, in constant time, whether Mark made the tag under any key.
func (j *Jar) Marked(tag, purpose string, id []byte, value string) bool {
	for _, key := range j.marks {
		if hmac.Equal([]byte(tag), []byte(mark(key, purpose, id, value))) {
			return true
		}
	}
	return false
}

func mark(key []byte, purpose string, id []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(appendText(appendText(appendText(nil, purpose), string(id)), value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

func (j *Jar) fresh(k kind, begun time.Time, lifetime time.Duration) bool {
	age := j.config.Now().Sub(begun)
	// Another replica's clock may be a little ahead; a cookie from further in
	// the future was sealed by a broken clock and would outlive its time.
	if age < lifetime && age > -2*time.Minute {
		return true
	}
	j.config.Refused(kindNames[k], "expired")
	return false
}

// value is the cookie's, where the request has exactly one of that name.
func (j *Jar) value(r *http.Request, k kind, name string) (value string, ok bool) {
	value, count := find(r.Header["Cookie"], name)
	if count > 1 {
		j.config.Refused(kindNames[k], "doubled")
	}
	return value, count == 1
}

func (j *Jar) unseal(k kind, name, value string, into record) bool {
	for _, codec := range j.codecs[k] {
		if codec.Decode(name, value, into) == nil {
			return true
		}
	}
	j.config.Refused(kindNames[k], "forged")
	return false
}

func (j *Jar) seal(w http.ResponseWriter, k kind, name string, from record) error {
	value, err := j.codecs[k][0].Encode(name, from)
	if err != nil {
		return fmt.Errorf("session: seal %s: %w", kindNames[k], err)
	}
	j.set(w, name, value, 0)
	return nil
}
