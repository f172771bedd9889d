package session

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	raisedCookie = "vneid_raised"
	// raisedAge is how long nobody is asked a second time to sign in for the
	// same demand: a provider that cannot meet it would send them round for
	// ever.
	raisedAge = 10 * time.Minute
	// maxLevel bounds what a demand may ask for, in bytes.
	maxLevel = 128
	// maxMaxAge is the longest age that can be asked for.
	maxMaxAge = 24 * time.Hour
)

// Demand is what a page asks of a sign-in; the zero value asks for nothing.
type Demand struct {
	// Level is the authentication levels that will do, parted by blanks
	// (acr_values).
	Level string
	// MaxAge is how long ago the person may have proved to the provider who
	// they are (max_age), in whole seconds, a day at most; 0 does not ask.
	MaxAge time.Duration
	// Prompt is "login" where the provider must ask them anew, else "".
	Prompt string
}

// Query is the demand as ParseDemand reads it.
func (d Demand) Query() url.Values {
	query := url.Values{}
	if d.Level != "" {
		query.Set("level", d.Level)
	}
	if d.MaxAge > 0 {
		query.Set("max_age", strconv.FormatInt(int64(d.MaxAge/time.Second), 10))
	}
	if d.Prompt != "" {
		query.Set("prompt", d.Prompt)
	}
	return query
}

// ParseDemand reads level, max_age and prompt of a query. What has no good form
// is as if it were not there: it could only have asked for more.
func ParseDemand(query url.Values) (d Demand) {
	one := func(name string) string {
		if values := query[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	level := one("level")
	if len(level) <= maxLevel && !strings.ContainsFunc(level, func(r rune) bool { return r < ' ' || r > '~' }) {
		d.Level = level
	}
	seconds, err := strconv.ParseUint(one("max_age"), 10, 32)
	if age := time.Duration(seconds) * time.Second; err == nil && age <= maxMaxAge {
		d.MaxAge = age
	}
	if one("prompt") == "login" {
		d.Prompt = "login"
	}
	return d
}

// Raise notes that the browser is on its way to sign in for a demand.
func (j *Jar) Raise(w http.ResponseWriter, d Demand) {
	j.set(w, raisedCookie, j.Mark("raised", []byte(raisedCookie), d.Query().Encode()), int(raisedAge/time.Second))
}

// Raised reports whether it was asked to do so a short while ago.
func (j *Jar) Raised(r *http.Request, d Demand) bool {
	value, count := find(r.Header["Cookie"], raisedCookie)
	return count == 1 && j.Marked(value, "raised", []byte(raisedCookie), d.Query().Encode())
}
