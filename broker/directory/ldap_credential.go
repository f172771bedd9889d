package directory

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"vneid-proxy/identity"
)

// Check finds the one account of a user name, and binds as its entry with the
// password, on a connection of its own; whose account it is, is the answer.
// ErrWrong where the password is wrong or nobody or several have the name,
// which takes a bind too; ErrLocked where the password may be right and the
// server, or the entry, says that it is no use now. It counts nothing.
//
// An empty password is not asked: with one a server answers that all is well,
// and takes the user for nobody (RFC 4513 section 5.1.2).
func (d *LDAP) Check(ctx context.Context, username, password string) (identity.AccountID, error) {
	if username == "" || password == "" || !plain(username) || !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return "", ErrWrong
	}
	found, err := d.byUsername(ctx, username)
	if err != nil {
		return "", err
	}
	dn := d.decoy
	if len(found) == 1 {
		dn = found[0].dn
	}
	err = d.bind(ctx, dn, password)
	switch {
	case len(found) != 1 && (err == nil || errors.Is(err, ErrLocked)):
		return "", ErrWrong
	case err != nil:
		return "", err
	case found[0].Account.Locked:
		return "", ErrLocked
	}
	return found[0].Account.ID, nil
}

// bind reports whether the password is that of the entry.
func (d *LDAP) bind(ctx context.Context, dn, password string) error {
	ctx, cancel := context.WithTimeout(ctx, d.servers.timeout)
	defer cancel()
	if err := d.servers.enter(ctx); err != nil {
		return err
	}
	defer d.servers.leave()
	c, err := d.servers.connect(ctx)
	if err != nil {
		return ldapFault(ctx, err)
	}
	defer c.Close()
	var answer *ldap.SimpleBindResult
	err = c.call(ctx, func(c *ldap.Conn) (err error) {
		answer, err = c.SimpleBind(ldap.NewSimpleBindRequest(dn, password, []ldap.Control{ldap.NewControlBeheraPasswordPolicy()}))
		return err
	})
	policy := int8(-1) // says nothing
	if answer != nil {
		if control, ok := ldap.FindControl(answer.Controls, ldap.ControlTypeBeheraPasswordPolicy).(*ldap.ControlBeheraPasswordPolicy); ok {
			policy = control.Error
		}
	}
	wrong := ldapFault(ctx, err)
	switch code := LDAPResult(wrong); {
	case slices.Contains(ldapUseless(), policy), code == ldap.LDAPResultInvalidCredentials && uselessToAD(err),
		// How others than OpenLDAP answer for a locked entry.
		code == ldap.LDAPResultConstraintViolation, code == ldap.LDAPResultUnwillingToPerform:
		return ErrLocked
	case code == ldap.LDAPResultInvalidCredentials, code == ldap.LDAPResultInappropriateAuthentication, code == ldap.LDAPResultNoSuchObject:
		return ErrWrong
	}
	return wrong
}

// ldapUseless are what the password policy says of a password that is no use:
// expired, locked, to be changed first (draft-behera-ldap-password-policy-10
// section 6.2).
func ldapUseless() []int8 { return []int8{0, 1, 2} }

// uselessToAD reads Active Directory's reason, which it gives in the text of
// the result alone: not now, not from here, expired, disabled, to be changed
// first, locked.
func uselessToAD(err error) bool {
	reason := regexp.MustCompile(`AcceptSecurityContext error, data ([0-9a-f]+),`).FindStringSubmatch(err.Error())
	return reason != nil && slices.Contains([]string{"530", "531", "532", "533", "701", "773", "775"}, reason[1])
}
