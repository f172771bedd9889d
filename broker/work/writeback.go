package work

import (
	"context"
	"errors"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// What a directory answers when all is well and the answer is no.
var (
	ErrNoAccount = errors.New("work: the directory has no such account")
	ErrChanged   = errors.New("work: the account has changed since it was read")
)

// Directory is where the portal keeps its accounts, and lets verified numbers
// be written. An error that is neither of those above means that there is no
// answer; it holds nothing personal.
type Directory interface {
	// Versioned is an account as it stands, or ErrNoAccount.
	Versioned(ctx context.Context, id identity.AccountID) (account identity.Account, version string, err error)
	// WriteCitizenNumber writes the number as verified, if the account still
	// has that version, or ErrChanged. What stands there already is no error.
	WriteCitizenNumber(ctx context.Context, id identity.AccountID, number identity.CitizenNumber, version string) error
}

// WriteBacks are the links that the directory is to be told of.
type WriteBacks interface {
	ClaimWriteBack(ctx context.Context, lease time.Duration) ([]ledger.WriteBack, error)
	PostponeWriteBack(ctx context.Context, id string, until time.Time) error
	CloseWriteBack(ctx context.Context, id string, outcome ledger.WriteBackOutcome) (ledger.WriteBack, error)
	ActiveByAccount(ctx context.Context, account identity.AccountID) (ledger.Link, error)
}

func (w *Work) writeBacks() *queue {
	return &queue{
		Work: w, what: "write-back", postpone: w.Ledger.PostponeWriteBack, count: w.Metrics.WroteBack,
		claim: func(ctx context.Context) (items []item, err error) {
			claimed, err := w.Ledger.ClaimWriteBack(ctx, w.Lease)
			for _, b := range claimed {
				items = append(items, item{b.ID, b.Tries, func(ctx context.Context) (bool, error) { return w.writeBack(ctx, b) }})
			}
			return items, err
		},
	}
}

// writeBack looks at the account and at the link as they stand now, and writes
// the number where both allow it. Whoever is killed after the write finds the
// number there the next time.
func (w *Work) writeBack(ctx context.Context, b ledger.WriteBack) (answered bool, err error) {
	account, version, err := w.Directory.Versioned(ctx, b.Account)
	missing := errors.Is(err, ErrNoAccount)
	if err != nil && !missing {
		return false, err
	}
	link, err := w.Ledger.ActiveByAccount(context.WithoutCancel(ctx), b.Account)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return true, err
	}
	outcome := ledger.WriteBackWritten
	switch {
	case link.ID != b.ID:
		outcome = ledger.WriteBackDropped
	case missing, account.NumberVerified && account.Number != link.Number:
		outcome = ledger.WriteBackRefused
	case account.NumberVerified:
		outcome = ledger.WriteBackThere
	default:
		err := w.Directory.WriteCitizenNumber(ctx, b.Account, link.Number, version)
		if errors.Is(err, ErrChanged) {
			// Somebody edits this account; the others need not wait for it.
			w.Metrics.WroteBack("changed")
			return true, w.Ledger.PostponeWriteBack(ctx, b.ID, w.Now().Add(w.wait(b.Tries)))
		}
		if err != nil {
			return false, err
		}
	}
	return true, w.closeWriteBack(ctx, b, outcome)
}

// closeWriteBack writes the outcome down. What has been done is not forgotten
// because this process is stopping.
func (w *Work) closeWriteBack(ctx context.Context, b ledger.WriteBack, outcome ledger.WriteBackOutcome) error {
	closed, err := w.Ledger.CloseWriteBack(context.WithoutCancel(ctx), b.ID, outcome)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil // another process has done it
	}
	if err != nil {
		return err
	}
	w.Metrics.WroteBack(string(closed.Outcome))
	w.Logger.Info("write-back closed", "link", b.ID, "outcome", closed.Outcome, "reference", closed.Reference,
		"account", w.Ledger.Pseudonym("account", string(b.Account)))
	return nil
}
