package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// errSeen ends a scan once it has shown what there is to see.
var errSeen = errors.New("seen")

// database asks the portal's database what serve would, about nobody, and
// reads one account.
func (i *inspection) database(ctx context.Context) findings {
	ctx, cancel := context.WithTimeout(ctx, 4*i.config.Process.CallTimeout)
	defer cancel()
	u := i.config.Directory.URL
	port := map[string]string{"postgres": "5432", "mysql": "3306", "sqlserver": "1433", "oracle": "1521"}[u.Scheme]
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
	if err != nil {
		return findings{i.unreached(directoryOpen, "DIRECTORY_URL", u, err)}
	}
	_ = connection.Close()
	d, err := newDatabase(i.config)
	if err != nil {
		return findings{directoryOpen.fault(oneLine(err), variable("DIRECTORY_URL")+": an address that the database's driver can use")}
	}
	defer func() { _ = d.Close() }()
	nobody := "vneid-proxy-check-" + rand.Text()
	found := findings{i.oneAccount(ctx, d), i.databaseNobody(ctx, d, nobody)}
	if i.config.Directory.Credential == "sql" {
		switch _, err := d.Check(ctx, nobody, rand.Text()); {
		case errors.Is(err, directory.ErrWrong):
			found = append(found, directoryHash.ok("the stored passwords can be read; a user name that cannot exist is refused"))
		case err == nil:
			found = append(found, directoryHash.fault("DANGER: a user name that cannot exist is somebody's", variable("DIRECTORY_QUERIES_FILE")+": queries.credential"))
		default:
			found = append(found, directoryHash.fault(i.databaseTrouble(err), variable("DIRECTORY_QUERIES_FILE")+": queries.credential and credential"))
		}
	}
	if i.config.Directory.WriteBack {
		found = append(found, directoryWrite.note("not tried, because it would change an account: the first link shows whether the database lets write_back write"))
	}
	return found
}

// oneAccount reads the first account, as the file maps it.
func (i *inspection) oneAccount(ctx context.Context, d *directory.SQL) finding {
	mend := variable("DIRECTORY_QUERIES_FILE") + ": queries.scan and columns"
	if !d.Can("scan") {
		return directoryOpen.note("the database takes connections; the queries file has no scan, so that no account was read to try its columns")
	}
	switch err := d.Scan(ctx, func(directory.Record) error { return errSeen }); {
	case errors.Is(err, errSeen):
		return directoryOpen.ok("an account can be read as the queries file says; they are not counted")
	case err == nil:
		return directoryOpen.warning("the directory is empty: nobody could come in", mend)
	default:
		return directoryOpen.fault(i.databaseTrouble(err), mend)
	}
}

// databaseNobody asks each query for what cannot exist.
func (i *inspection) databaseNobody(ctx context.Context, d *directory.SQL, nobody string) finding {
	number, err := identity.VouchedCitizenNumber("000000000001") // no province has 000
	card, cardErr := identity.ParseIDCardNumber("000000001")
	if err := errors.Join(err, cardErr); err != nil {
		return directorySearch.fault(err.Error(), "report it")
	}
	asked := map[string]func() (int, error){
		"by_id": func() (int, error) {
			_, err := d.ByID(ctx, identity.AccountID(nobody))
			if errors.Is(err, directory.ErrNotFound) {
				return 0, nil
			}
			return 1, err
		},
		"by_username":       counted(func() ([]identity.Account, error) { return d.ByUsername(ctx, nobody) }),
		"by_citizen_number": counted(func() ([]identity.Account, error) { return d.ByCitizenNumber(ctx, number) }),
		"by_id_card_number": counted(func() ([]identity.Account, error) { return d.ByIDCardNumber(ctx, card) }),
		"by_subject":        counted(func() ([]identity.Account, error) { return d.BySubject(ctx, nobody) }),
	}
	for _, purpose := range []string{"by_id", "by_username", "by_citizen_number", "by_id_card_number", "by_subject"} {
		mend := variable("DIRECTORY_QUERIES_FILE") + ": queries." + purpose
		switch count, err := asked[purpose](); {
		case err != nil:
			return directorySearch.fault(purpose+": "+i.databaseTrouble(err), mend)
		case count > 0:
			return directorySearch.fault(purpose+" finds an account that cannot exist", mend)
		}
	}
	return directorySearch.ok("an account that cannot exist is not found, whatever it is looked for by")
}

func counted(ask func() ([]identity.Account, error)) func() (int, error) {
	return func() (int, error) {
		found, err := ask()
		return len(found), err
	}
}

// databaseTrouble is what the connector says, which names queries and codes
// and nothing else, or what the network does.
func (i *inspection) databaseTrouble(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(oneLine(err), directory.ErrMalformed.Error()+": "), directory.ErrUnavailable.Error()+": ")
	if errors.Is(err, directory.ErrMalformed) || strings.HasPrefix(text, "the database answers") {
		return text
	}
	says, _ := i.trouble(err)
	return says
}
