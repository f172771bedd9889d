package directory

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"

	"vneid-proxy/identity"
)

// passwordChecks are bounded in number, so that a crowd that signs in leaves
// the processors to requests too, and cost the same for a user name that
// nobody has.
type passwordChecks struct {
	running chan struct{}
	// usual is a stored password of this portal, which stands in for that of
	// an account that is not there.
	usual *atomic.Pointer[stored]
}

// newPasswordChecks stands in a bcrypt hash until the portal's own are known;
// nobody has its password.
func newPasswordChecks() passwordChecks {
	const nobodys = "$2y$10$zI956krbz7ohc4YPprywIue15IxiKblLSJIPjcclvCbXUrhk/.XPS"
	c := passwordChecks{running: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)), usual: new(atomic.Pointer[stored])}
	if first, err := parseStored(nobodys); err == nil {
		c.usual.Store(&first)
	}
	return c
}

// compare waits for its turn.
func (c passwordChecks) compare(ctx context.Context, s stored, password string) (same bool, err error) {
	select {
	case c.running <- struct{}{}:
		defer func() { <-c.running }()
		return s([]byte(password)), nil
	case <-ctx.Done():
		return false, sqlFault(ctx, ctx.Err())
	}
}

// Check compares a password with the one that the database stores for the user
// name, and returns the account. A user name is compared byte by byte, or in
// any case of letters where nobody has it so. ErrWrong is a wrong password, a
// user name that nobody or more than one account has, and an empty one of
// either; ErrLocked a right password for a locked account; ErrMalformed one
// that is stored in no known format, or at a cost beyond bounds. All take as
// long as a wrong password does.
//
// It counts nothing: guessing is limited by whoever calls, before calling.
func (d *SQL) Check(ctx context.Context, username, password string) (identity.AccountID, error) {
	if !d.queries.Has("credential") {
		return "", malformed("the queries file has no credential")
	}
	if username == "" || !plain(username) || password == "" || len(password) > maxPassword {
		return "", ErrWrong
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	account, hash, err := d.credential(ctx, username)
	if err != nil {
		return "", err
	}
	usual := *d.checks.usual.Load()
	if hash == nil {
		_, err := d.checks.compare(ctx, usual, password)
		if err == nil {
			err = ErrWrong
		}
		return "", err
	}
	own, formatErr := parseStored(*hash)
	if formatErr != nil {
		own = usual
	} else {
		d.checks.usual.Store(&own)
	}
	same, err := d.checks.compare(ctx, own, password)
	switch {
	case err != nil:
		return "", err
	case formatErr != nil:
		return "", malformed("a stored password has no known format, or one beyond bounds")
	case !same:
		return "", ErrWrong
	case account.Locked:
		return "", ErrLocked
	}
	return account.ID, nil
}

// credential is the one account of the user name and what it stores, nil where
// there is none or more than one.
func (d *SQL) credential(ctx context.Context, username string) (account identity.Account, hash *string, err error) {
	var exact, folded []map[string]datum
	err = d.reading(ctx, func(from asker) error {
		answers, err := d.answers(ctx, from, "credential", arguments("username", username), maxRows, []string{"id", "username", "locked", fieldHash})
		if err != nil {
			return err
		}
		for _, answer := range answers {
			name, _ := d.queries.text("username", answer)
			if name == username {
				exact = append(exact, answer)
			} else if strings.EqualFold(name, username) {
				folded = append(folded, answer)
			}
		}
		return nil
	})
	if err != nil {
		return account, nil, err
	}
	if len(exact) == 0 {
		exact = folded
	}
	if len(exact) != 1 {
		return account, nil, nil
	}
	answer := exact[0]
	text, _ := d.queries.text("id", answer)
	account.ID, account.Locked = identity.AccountID(text), d.queries.holds("locked", answer)
	if !validID(account.ID) {
		return account, nil, malformed("id of a row of credential cannot be read")
	}
	stands := strings.TrimSpace(answer[strings.ToLower(d.queries.hash)].text)
	return account, &stands, nil
}
