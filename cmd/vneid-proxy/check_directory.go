package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// accountsByID is what a check asks of a directory.
type accountsByID interface {
	ByID(context.Context, identity.AccountID) (identity.Account, error)
}

// directory opens the portal's accounts as serve does.
func (i *inspection) directory(ctx context.Context) findings {
	accounts, err := directory.OpenCSV(i.config.Directory.URL.Path)
	var opened *directory.Embedded
	if err == nil {
		opened, err = directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
	}
	if err != nil {
		return findings{directoryOpen.fault(oneLine(err), variable("DIRECTORY_URL")+": embedded: and the path of a file of accounts without faults")}
	}
	return findings{countAccounts(accounts), i.searchNobody(ctx, accountDirectory{opened})}
}

func countAccounts(accounts []identity.Account) finding {
	var verified, typed, none, locked int
	for _, a := range accounts {
		switch {
		case a.Number.IsZero():
			none++
		case a.NumberVerified:
			verified++
		default:
			typed++
		}
		if a.Locked {
			locked++
		}
	}
	if len(accounts) == 0 {
		return directoryOpen.warning("the directory is empty: nobody could come in", variable("DIRECTORY_URL")+": the file that holds the portal's accounts")
	}
	return directoryOpen.ok(fmt.Sprintf("%d accounts: %d with a verified number, %d with one that was typed, %d without; %d locked",
		len(accounts), verified, typed, none, locked))
}

// searchNobody asks for an account that cannot exist.
func (i *inspection) searchNobody(ctx context.Context, accounts accountsByID) finding {
	ctx, cancel := context.WithTimeout(ctx, i.config.Process.CallTimeout)
	defer cancel()
	switch _, err := accounts.ByID(ctx, identity.AccountID("vneid-proxy-check-"+rand.Text())); {
	case errors.Is(err, broker.ErrNoAccount):
		return directorySearch.ok("an account that cannot exist is not found")
	case err == nil:
		return directorySearch.fault("an account that cannot exist is found", variable("DIRECTORY_URL")+": a directory that answers none to an unknown id")
	default:
		says, mend := i.trouble(err)
		return directorySearch.fault(says, variable("DIRECTORY_URL")+": "+mend)
	}
}
