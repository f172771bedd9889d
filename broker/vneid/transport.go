package vneid

import (
	"bytes"
	"io"
	"net/http"

	"vneid-proxy/broker/outbound"
)

// opening is the envelopes of one sign-in.
type opening struct {
	*opener
	left int // envelopes that are still to be opened, for show if need be
}

func (o *opening) open(e envelope, readable func([]byte) bool) ([]byte, bool) {
	o.left--
	return o.opener.open(e, readable)
}

// finish opens as many envelopes as are left.
func (o *opening) finish() {
	for ; o.left > 0; o.left-- {
		o.spend()
	}
}

// unsealer takes answers out of their envelopes, so that whoever reads them
// sees plain JSON. Answers of another status than 200 pass: they hold nothing
// that decides about identity.
type unsealer struct {
	next    http.RoundTripper // has read the whole body, within its bounds
	opening *opening
	// plain lets an answer without an envelope pass.
	plain bool
}

func (u unsealer) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := u.next.RoundTrip(r)
	if err != nil || reply.StatusCode != http.StatusOK {
		return reply, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, &outbound.Error{Cause: outbound.Malformed}
	}
	sealed, ok := parseEnvelope(body)
	if ok || !u.plain {
		// What is no envelope is opened too, and fails like a broken one.
		if body, ok = u.opening.open(sealed, jsonObject); !ok {
			return nil, &outbound.Error{Cause: outbound.Malformed}
		}
	}
	reply.Header.Del("Content-Length")
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return reply, nil
}
