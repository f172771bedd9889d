package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"

	"vneid-proxy/broker/directory"
)

// ldap asks the portal's LDAP server what serve would, about nobody, and reads
// one account.
func (i *inspection) ldap(ctx context.Context) findings {
	ctx, cancel := context.WithTimeout(ctx, 6*i.config.Process.CallTimeout)
	defer cancel()
	if err := i.reachLDAP(ctx); err != nil {
		return findings{i.unreached(directoryOpen, "DIRECTORY_URL", i.config.Directory.URL, err)}
	}
	d, err := newLDAP(i.config)
	if err != nil {
		return findings{directoryOpen.fault(oneLine(err), variable("DIRECTORY_URL")+": the address of an LDAP server, and the DN under which the accounts lie")}
	}
	defer func() { _ = d.Close() }()
	found := findings{i.oneEntry(ctx, d)}
	if found.count(stateFault) > 0 {
		return found // with a wrong password, more tries could lock DIRECTORY_USER
	}
	found = append(found, i.noEntry(ctx, d))
	if i.config.Directory.Credential == "ldap" {
		switch _, err := d.Check(ctx, "vneid-proxy-check-"+rand.Text(), rand.Text()); {
		case errors.Is(err, directory.ErrWrong):
			found = append(found, directoryHash.ok("a user name that cannot exist is refused"))
		case err == nil:
			found = append(found, directoryHash.fault("DANGER: a user name that cannot exist is somebody's", variable("DIRECTORY_QUERIES_FILE")+": ldap.accounts and ldap.filters"))
		default:
			found = append(found, directoryHash.fault(i.ldapTrouble(err), variable("DIRECTORY_URL")+": a server that lets entries bind with their password"))
		}
	}
	if !i.config.Directory.WriteBack {
		return found
	}
	switch err := d.CanWrite(ctx); {
	case errors.Is(err, directory.ErrUnsupported):
		found = append(found, directoryWrite.fault("the server has no assertion control (RFC 4528): a number could be written over a later change", variable("DIRECTORY_WRITE_BACK")+": false"))
	case err != nil:
		found = append(found, directoryWrite.fault("the server does not say what it can do: "+i.ldapTrouble(err), "let "+variable("DIRECTORY_USER")+" read the server's root entry"))
	default:
		found = append(found, directoryWrite.note("not tried, because it would change an account: the first link shows whether "+variable("DIRECTORY_USER")+" may write"))
	}
	return found
}

// reachLDAP opens a connection, with TLS where that comes first.
func (i *inspection) reachLDAP(ctx context.Context) error {
	u, port := i.config.Directory.URL, "389"
	dial := new(net.Dialer).DialContext
	if u.Scheme == "ldaps" {
		roots, err := authorities("DIRECTORY_CA_FILE", i.config.Directory.CAFile)
		if err != nil {
			return nil // newLDAP says it
		}
		dial, port = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}).DialContext, "636"
	}
	ctx, cancel := context.WithTimeout(ctx, i.config.Process.CallTimeout)
	defer cancel()
	connection, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
	if err != nil {
		return err
	}
	return connection.Close()
}

// oneEntry reads the first account, as the file maps it.
func (i *inspection) oneEntry(ctx context.Context, d *directory.LDAP) finding {
	mend := variable("DIRECTORY_QUERIES_FILE") + ": ldap.accounts and ldap.attributes; " + variable("DIRECTORY_URL") + ": the DN under which the accounts lie"
	switch err := d.Scan(ctx, func(directory.Record) error { return errSeen }); {
	case errors.Is(err, errSeen):
		return directoryOpen.ok("an account can be read as the queries file says; they are not counted")
	case err == nil:
		return directoryOpen.warning("no account is found: nobody could come in", mend)
	case errors.Is(err, directory.ErrUnsupported):
		return directoryOpen.warning("the server has no paged results (RFC 2696): accounts cannot be cleaned up from it", "have the server allow them")
	default:
		return directoryOpen.fault(i.ldapTrouble(err), variable("DIRECTORY_USER")+" and "+variable("DIRECTORY_PASSWORD")+": who may read the accounts; "+mend)
	}
}

// noEntry looks for a user name that cannot exist.
func (i *inspection) noEntry(ctx context.Context, d *directory.LDAP) finding {
	mend := variable("DIRECTORY_QUERIES_FILE") + ": ldap.accounts, ldap.attributes and ldap.filters"
	switch found, err := d.ByUsername(ctx, "vneid-proxy-check-"+rand.Text()); {
	case err != nil:
		return directorySearch.fault(i.ldapTrouble(err), mend)
	case len(found) > 0:
		return directorySearch.fault("an account that cannot exist is found", mend)
	}
	return directorySearch.ok("an account that cannot exist is not found")
}

// ldapTrouble is what the connector says, which names result codes and nothing
// else, or what the network does.
func (i *inspection) ldapTrouble(err error) string {
	if errors.Is(err, directory.ErrMalformed) || directory.LDAPResult(err) != 0 {
		return oneLine(err)
	}
	says, _ := i.trouble(err)
	return says
}
