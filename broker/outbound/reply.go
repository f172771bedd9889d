package outbound

import (
	"io"
	"mime"
	"net/http"
	"slices"
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

// Read makes the call and returns the body of an answer whose media type is
// one of media. Any other status than 200 is an *Error, as JSON has it, and its
// body is returned beside it all the same: a SOAP fault comes with 500.
func Read(client *http.Client, r *http.Request, media ...string) (status int, body []byte, err error) {
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", strings.Join(media, ", "))
	}
	reply, err := client.Do(r)
	if err != nil {
		return 0, nil, &Error{CauseOf(err)}
	}
	defer reply.Body.Close()
	if body, err = io.ReadAll(reply.Body); err != nil {
		return reply.StatusCode, nil, &Error{CauseOf(err)}
	}
	if err := statusFault(reply.StatusCode); err != nil {
		return reply.StatusCode, body, err
	}
	if kind, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type")); err != nil || !slices.Contains(media, kind) {
		return reply.StatusCode, nil, &Error{Malformed}
	}
	return reply.StatusCode, body, nil
}

// statusFault is what a status says; nil for 200.
func statusFault(status int) error {
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return &Error{Unavailable}
	case status != http.StatusOK:
		return &Error{Refused}
	}
	return nil
}

// Decode is JSON's second half, for an answer that has come through a client
// made by New.
func Decode(reply *http.Response, into any, options ...json.Options) error {
	if err := statusFault(reply.StatusCode); err != nil {
		return err
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
