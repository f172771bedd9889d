package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// turnsCookie counts how often a browser that is signed in was sent from
	// the sign-in page back to one page. It decides nothing but when to stop.
	turnsCookie = "vneid_turns"
	maxTurns    = 5
	turnsAge    = 10 * time.Second
)

// turns counts one more way back to a page, and reports whether it is one too
// many: a portal that sends people to sign in again whom we send back would do
// so until the browser gives up, with words that help nobody.
// A link on a page of ours (again) is followed by hand, from many tabs perhaps.
func (b *broker) turns(w http.ResponseWriter, r *http.Request, returnTo string) bool {
	if r.URL.Query().Has("again") {
		return false
	}
	sum := sha256.Sum256([]byte(returnTo))
	page, count, since := hex.EncodeToString(sum[:8]), 0, b.Now()
	if held, err := r.Cookie(turnsCookie); err == nil {
		if fields := strings.Split(held.Value, "."); len(fields) == 3 && fields[0] == page {
			begun, _ := strconv.ParseInt(fields[2], 10, 64)
			if at := time.Unix(begun, 0); b.Now().Sub(at) < turnsAge && !at.After(b.Now()) {
				count, _ = strconv.Atoi(fields[1])
				since = at
			}
		}
	}
	count++
	cookie := &http.Cookie{
		Name: turnsCookie, Path: b.Prefix, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: b.PublicURL.Scheme == "https", MaxAge: int(turnsAge / time.Second),
		Value: page + "." + strconv.Itoa(count) + "." + strconv.FormatInt(since.Unix(), 10),
	}
	if count > maxTurns {
		cookie.Value, cookie.MaxAge = "", -1 // told once; whoever tries again may
	}
	http.SetCookie(w, cookie)
	return count > maxTurns
}
