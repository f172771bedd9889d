package outbound

import (
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// JSON makes the call and decodes an answer of status 200 into what into
// points to. Any other status is an *Error, Unavailable for 429 and 5xx and
// else Refused, and is returned beside it: a caller that has agreed on a
// meaning looks there first. The status is 0 where no answer came.
func JSON(client *http.Client, r *http.Request, into any, options ...json.Options) (status int, err error) {
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	reply, err := client.Do(r)
	if err != nil {
		return 0, &Error{CauseOf(err)}
	}
	defer reply.Body.Close()
	return reply.StatusCode, Decode(reply, into, options...)
}

// Decode is JSON's second half, for an answer that has come through a client
// made by New.
func Decode(reply *http.Response, into any, options ...json.Options) error {
	switch status := reply.StatusCode; {
	case status == http.StatusTooManyRequests || status >= 500:
		return &Error{Unavailable}
	case status != http.StatusOK:
		return &Error{Refused}
	}
	media, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && !(strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		return &Error{Malformed}
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return &Error{CauseOf(err)}
	}
	if json.Unmarshal(body, into, options...) != nil {
		return &Error{Malformed}
	}
	return nil
}
