package ledger

import (
	"errors"
	"fmt"
)

// Error is a refusal of the ledger's; compare with errors.Is.
type Error string

// The refusals.
const (
	ErrSpent         Error = "ledger: already spent or past its time"
	ErrAccountTaken  Error = "ledger: the account is linked to another citizen"
	ErrAlreadyLinked Error = "ledger: the account is linked already"
	ErrConflict      Error = "ledger: the identifiers belong to different citizens"
	ErrSkipsSpent    Error = "ledger: the account has put the link off as often as it may"
	ErrPending       Error = "ledger: a check of the account awaits its answer"
	ErrNotFound      Error = "ledger: not found"
	ErrIncomplete    Error = "ledger: a required value is missing"
	ErrKey           Error = "ledger: a key is absent"
	ErrChain         Error = "ledger: the audit chain is broken"
)

// ErrUnavailable is wrapped by every fault of storage, a cancelled context
// included.
const ErrUnavailable Error = "ledger: unavailable"

// Error is the refusal in words for the operator.
func (e Error) Error() string { return string(e) }

// fault passes refusals on as they are and marks everything else as a fault of
// storage.
func fault(err error) error {
	var refusal Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
