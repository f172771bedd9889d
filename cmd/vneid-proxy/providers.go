package main

import (
	"crypto/rsa"
	"strings"
	"sync/atomic"

	"vneid-proxy/broker"
	"vneid-proxy/broker/vneid"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// mainProvider is what the environment's provider is called.
const mainProvider = "vneid"

// providersOf are the environment's provider and those of PROVIDERS_FILE, in
// the chooser's order. What is wrong with the file is a fault of the
// configuration.
func providersOf(c config.Config) ([]config.FurtherProvider, error) {
	all := []config.FurtherProvider{{Name: mainProvider, Provider: c.Provider, Link: config.LinkEnforce}}
	if c.Provider.File == "" {
		return all, nil
	}
	text, err := config.ReadFile(c.Provider.File)
	var further []config.FurtherProvider
	if err == nil {
		further, err = config.ParseProviders(text, c)
	}
	if err != nil {
		mend := strings.ReplaceAll(err.Error(), "\n", "; ")
		return nil, &config.Faults{List: []config.Fault{{Variable: config.Prefix + "PROVIDERS_FILE", Mend: mend}}}
	}
	return append(all, further...), nil
}

// providerNames are the names that a rule may send people to.
func providerNames(all []config.FurtherProvider) (names []string) {
	for _, f := range all {
		names = append(names, f.Name)
	}
	return names
}

// callbackURL is where a provider sends people back to: each has its own.
func callbackURL(c config.Config, name string) string {
	address := c.Public.URL.String() + c.Public.PathPrefix + "/callback"
	if name != mainProvider {
		address += "/" + name
	}
	return address
}

// subjectsOf is in whose words a provider's subjects are told: one person's
// differ from wire to wire, so that the ledger must not take one for another's.
func subjectsOf(f config.FurtherProvider) string {
	if f.Name == mainProvider && f.Profile != "oidc" {
		return f.Profile
	}
	return f.Name
}

// system is what calls to a provider are counted under.
func system(name string) string {
	if name == mainProvider {
		return "provider"
	}
	return "provider/" + name
}

// openProvider makes a provider whose secret and keys are read anew when their
// files change.
func (a *app) openProvider(f config.FurtherProvider) (profile, error) {
	var secret func() string
	if name := f.ClientSecret.File(); name != "" {
		var held atomic.Pointer[string]
		secret = func() string { return *held.Load() }
		if err := a.reload(reloadLabel(f, "client_secret"), []string{name}, func([][]byte) error {
			text, err := config.ReadSecret(name)
			if err == nil {
				held.Store(&text)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	p, err := newProvider(a.config, f, secret)
	if encrypted, ok := p.(*vneid.Encrypted); ok && err == nil {
		err = a.reload(reloadLabel(f, "decryption_keys"), f.DecryptionKeyFiles, func(texts [][]byte) error {
			keys := make([]*rsa.PrivateKey, len(texts))
			for i, text := range texts {
				if keys[i], err = vneid.ParseDecryptionKey(text); err != nil {
					return err
				}
			}
			return encrypted.SetKeys(keys)
		})
	}
	return p, err
}

func reloadLabel(f config.FurtherProvider, what string) string {
	if f.Name == mainProvider {
		return what
	}
	return f.Name + "/" + what
}

// offer is the broker's view of a provider and its link policy.
func offer(f config.FurtherProvider, p profile, calls calls) broker.Offer {
	who := provider{
		profile: p, subjects: subjectsOf(f), system: system(f.Name), signInProves: f.AuthTime == "sign_in", calls: calls, outage: new(outage),
	}
	o := broker.Offer{
		Name: f.Name, Title: buttonTitle(f.Title), Provider: who, Away: who.outage.away, LoginHint: f.LoginHint == "last",
	}
	if party, ok := p.(*vneid.OIDC); ok && f.Refresh {
		o.Refresh = who.refresh(party)
	}
	if f.Link == config.LinkNone {
		o.Appointment = &broker.Appointment{ByID: f.Account.By == "id"}
		for _, kind := range f.Account.Kinds {
			o.Appointment.Kinds = append(o.Appointment.Kinds, identity.Kind(kind))
		}
	}
	return o
}
