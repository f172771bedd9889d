package session

import (
	"net/http"
	"time"
)

const (
	raisedCookie = "vneid_raised"
	// raisedAge is how long nobody is asked a second time to sign in at the
	// same level: a provider that cannot raise it would send them round for
	// ever.
	raisedAge = 10 * time.Minute
)

// Raise notes that the browser is on its way to sign in at a level.
func (j *Jar) Raise(w http.ResponseWriter, level string) {
	j.set(w, raisedCookie, j.Mark("raised", []byte(raisedCookie), level), int(raisedAge/time.Second))
}

// Raised reports whether it was asked to do so a short while ago.
func (j *Jar) Raised(r *http.Request, level string) bool {
	value, count := find(r.Header["Cookie"], raisedCookie)
	return count == 1 && j.Marked(value, "raised", []byte(raisedCookie), level)
}
