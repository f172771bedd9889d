package directory

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// ask makes a call that answers with an account: exactly {"account_id"}, or
// with "username" beside it where that was agreed; it is not looked at, for the
// id is what the portal understands. meanings are the statuses that were agreed
// on beside 200.
func ask(client *http.Client, r *http.Request, username bool, meanings map[int]error) (identity.AccountID, error) {
	var who struct {
		AccountID *string `json:"account_id"`
		Username  *string `json:"username"`
	}
	status, err := outbound.JSON(client, r, &who, json.RejectUnknownMembers(true))
	if meaning := meanings[status]; meaning != nil {
		return "", meaning
	}
	if err != nil {
		return "", fault(err)
	}
	if who.AccountID == nil || !validID(identity.AccountID(*who.AccountID)) || who.Username != nil && !username {
		return "", ErrMalformed
	}
	return identity.AccountID(*who.AccountID), nil
}

// fault is a call that gave no usable answer, in this package's words; nil for
// nil.
func fault(err error) error {
	if err == nil {
		return nil
	}
	if cause := outbound.CauseOf(err); cause == outbound.Malformed || cause == outbound.TooLarge {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
