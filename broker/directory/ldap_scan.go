package directory

import (
	"context"
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Scan visits every account; see Record. It reads page by page (RFC 2696), on a
// connection of its own. ErrUnsupported: the server has no pages.
func (d *LDAP) Scan(ctx context.Context, visit func(Record) error) error {
	filter := d.entries.Accounts
	if !d.entries.byDN() {
		filter = "(&" + filter + "(" + d.entries.Attributes["id"] + "=*))"
	}
	connected, cancel := context.WithTimeout(ctx, d.servers.timeout)
	defer cancel()
	c, err := d.servers.bound(connected)
	if err != nil {
		return ldapFault(connected, err)
	}
	defer c.Close()
	var cookie []byte
	for {
		answer, err := d.page(ctx, c, filter, cookie)
		if err != nil {
			return err
		}
		for _, e := range answer.Entries {
			entry, ok := d.entries.read(e, "")
			if !ok {
				return fmt.Errorf("%w: an account without one usable id", ErrMalformed)
			}
			if err := visit(entry.Record); err != nil {
				return err
			}
		}
		paging, ok := ldap.FindControl(answer.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok {
			return unpaged()
		}
		if cookie = paging.Cookie; len(cookie) == 0 {
			return nil
		}
	}
}

func (d *LDAP) page(ctx context.Context, c *ldapConn, filter string, cookie []byte) (answer *ldap.SearchResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.servers.timeout)
	defer cancel()
	question := d.question(d.base, ldap.ScopeWholeSubtree, filter, pageOf(maxRows, cookie))
	question.SizeLimit = 0 // of the whole, whose pages are bounded
	err = c.call(ctx, func(c *ldap.Conn) error {
		answer, err = c.Search(question)
		return err
	})
	if err = ldapFault(ctx, err); LDAPResult(err) == ldap.LDAPResultUnavailableCriticalExtension {
		return nil, unpaged()
	}
	if err == nil && len(answer.Entries) > maxRows {
		return nil, ErrMalformed
	}
	return answer, err
}

func unpaged() error {
	return fmt.Errorf("%w: have the server allow paged results (RFC 2696)", ErrUnsupported)
}

// pageOf is the paging control, critical: a server without pages must say so
// instead of sending everything. The library's own is not.
func pageOf(size int64, cookie []byte) ldap.Control {
	value := ber.NewSequence("page")
	value.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, size, "size"))
	value.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(cookie), "cookie"))
	return ldap.NewControlString(ldap.ControlTypePaging, true, string(value.Bytes()))
}
