package broker

import (
	"context"
	"errors"
	"net/http"

	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// Offer is one provider as people may choose it.
type Offer struct {
	Name  string // in addresses, attempts and metrics; none is session.Portal
	Title string // on its button; "" is the page's own words for VNeID
	Provider
	// Appointment, where set, makes the provider the authority for some
	// accounts: it names one (Vouched.Account), and no link is asked for or
	// made. nil: people are linked by their citizen number.
	Appointment *Appointment
	// Away reports that the provider was found not to answer a moment ago; nil
	// never does. The chooser then says so of the main one.
	Away func() bool
	// Refresh asks the provider whether its grant still holds: ErrOver where it
	// is over, any other error tells nothing. nil asks never.
	Refresh func(context.Context, Grant) (Grant, error)
	// LoginHint tells the provider the user name that the browser's last session
	// had from it.
	LoginHint bool
}

// Appointment says which accounts a provider names, and by what.
type Appointment struct {
	link.Appointed
	ByID bool // by account id; else by user name
}

// callbackPath is the path below Prefix that a provider sends people back to. Each
// has its own, so that the answer of one is never taken for another's, whether
// or not it says who it is (RFC 9700, 4.4.2).
func (b *broker) callbackPath(o Offer) string {
	if o.Name == b.Providers[0].Name {
		return "/callback"
	}
	return "/callback/" + o.Name
}

// named is the provider of that name.
func (b *broker) named(name string) (Offer, bool) {
	for _, o := range b.Providers {
		if o.Name == name {
			return o, true
		}
	}
	return Offer{}, false
}

// vouchedBy is the provider that vouched for a citizen; false where none did,
// or one that is no longer configured.
func (b *broker) vouchedBy(c identity.Citizen) (Offer, bool) {
	for _, o := range b.Providers {
		if c.Subject != "" && o.Subjects() == c.Provider {
			return o, true
		}
	}
	return Offer{}, false
}

// sideOf is what a proof is counted under: its provider's name, or the portal's
// where its own account came first.
func (b *broker) sideOf(proof *session.Proof) string {
	if o, ok := b.vouchedBy(proof.Citizen); ok {
		return o.Name
	}
	if proof.LegacyFirst() {
		return session.Portal
	}
	return b.Providers[0].Name
}

// side is the provider that a request's sign-in is at: its name for the
// metrics, its title for the pages.
func (b *broker) side(r *http.Request) (name, title string) {
	name = b.Providers[0].Name
	proof, proving := b.Jar.Open(r).(*session.Proof)
	switch {
	case r.URL.Path == b.Prefix+"/portal-return":
		name = session.Portal
	case proving:
		name = b.sideOf(proof)
	case r.URL.Path == b.Prefix+"/start":
		if o, known := b.named(r.URL.Query().Get("provider")); known {
			name = o.Name
		}
	}
	for _, o := range b.Providers {
		if r.URL.Path == b.Prefix+b.callbackPath(o) {
			name = o.Name
		}
	}
	if o, known := b.named(name); known {
		title = o.Title
	}
	return name, title
}

// buttons are the providers as the chooser shows them.
func (b *broker) buttons() (all []screen.Provider) {
	for _, o := range b.Providers {
		all = append(all, screen.Provider{Name: o.Name, Title: o.Title})
	}
	return all
}

// find are the accounts that a provider names so.
func (b *broker) find(ctx context.Context, by *Appointment, name string) ([]identity.Account, error) {
	if !by.ByID {
		return b.Directory.ByUsername(ctx, name)
	}
	account, err := b.Directory.ByID(ctx, identity.AccountID(name))
	if errors.Is(err, ErrNoAccount) {
		return nil, nil
	}
	return []identity.Account{account}, err
}
