package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// directory opens the portal's accounts as serve does.
func (i *inspection) directory(ctx context.Context) findings {
	if i.config.Directory.URL == nil {
		return nil
	}
	if config.IsDatabase(i.config.Directory.URL) {
		return i.database(ctx)
	}
	if config.IsLDAP(i.config.Directory.URL) {
		return i.ldap(ctx)
	}
	if servedDirectory(i.config.Directory) {
		return i.servedDirectory(ctx)
	}
	opened, err := directory.OpenEmbedded(ctx, i.config.Directory.URL.Path)
	if err != nil {
		return findings{directoryOpen.fault(oneLine(err), variable("DIRECTORY_URL")+": embedded: and the path of what accounts import made, or of a CSV file without faults")}
	}
	defer opened.Close()
	return findings{countAccounts(ctx, opened), i.searchNobody(ctx, opened)}
}

// servedDirectory asks the portal that serves its accounts itself.
func (i *inspection) servedDirectory(ctx context.Context) findings {
	name, u := "DIRECTORY_URL", i.config.Directory.URL
	if err := i.connect(ctx, u); err != nil {
		return findings{i.unreached(directoryOpen, name, u, err)}
	}
	served, err := newConnector(ctx, i.config)
	if err != nil {
		return findings{directoryOpen.fault(err.Error(), variable(name)+": the address under which the portal serves /search")}
	}
	found := findings{directoryOpen.ok("the portal serves its accounts; they are not counted"), i.searchNobody(ctx, served)}
	if i.config.Directory.WriteBack {
		found = append(found, directoryWrite.note("not tried, because it would change an account: the first link shows whether "+variable("DIRECTORY_TOKEN")+" may write"))
	}
	return found
}

func countAccounts(ctx context.Context, accounts connector) finding {
	var all, verified, typed, unreadable, locked int
	if err := accounts.Scan(ctx, func(r directory.Record) error {
		all++
		switch {
		case !r.NumberText.IsZero():
			unreadable++
		case r.Account.NumberVerified:
			verified++
		case !r.Account.Number.IsZero():
			typed++
		}
		if r.Account.Locked {
			locked++
		}
		return nil
	}); err != nil {
		return directoryOpen.fault(oneLine(err), variable("DIRECTORY_URL")+": a file that can be read")
	}
	if all == 0 {
		return directoryOpen.warning("the directory is empty: nobody could come in", variable("DIRECTORY_URL")+": the file that holds the portal's accounts")
	}
	return directoryOpen.ok(fmt.Sprintf("%d accounts: %d with a verified number, %d with one that was typed, %d with what is no number, %d without; %d locked",
		all, verified, typed, unreadable, all-verified-typed-unreadable, locked))
}

// searchNobody asks for an account that cannot exist.
func (i *inspection) searchNobody(ctx context.Context, accounts connector) finding {
	ctx, cancel := context.WithTimeout(ctx, i.config.Process.CallTimeout)
	defer cancel()
	switch _, err := accounts.ByID(ctx, identity.AccountID("vneid-proxy-check-"+rand.Text())); {
	case errors.Is(err, directory.ErrNotFound):
		return directorySearch.ok("an account that cannot exist is not found")
	case err == nil:
		return directorySearch.fault("an account that cannot exist is found", variable("DIRECTORY_URL")+": a directory that answers none to an unknown id")
	case errors.Is(err, directory.ErrMalformed):
		return directorySearch.fault("it answers otherwise than docs/directory-api.yaml says", variable("DIRECTORY_URL")+": the address of that interface, or have the portal's team mend it")
	case outbound.CauseOf(err) == outbound.Refused:
		return directorySearch.fault("it does not accept our token or our question", variable("DIRECTORY_TOKEN")+": the token that the portal issued; "+variable("DIRECTORY_URL")+": without /search at the end")
	default:
		says, mend := i.trouble(err)
		return directorySearch.fault(says, variable("DIRECTORY_URL")+": "+mend)
	}
}
