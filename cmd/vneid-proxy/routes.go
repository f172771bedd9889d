package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/proxy"
)

// readRoutes reads ROUTES_FILE and has it watched; nil rules where there is
// none.
func (a *app) readRoutes() (rules *proxy.Rules, err error) {
	name := a.config.Portal.RoutesFile
	if name == "" {
		return nil, nil
	}
	err = a.reload("routes", []string{name}, func(texts [][]byte) (err error) {
		if rules, err = parseRules(texts[0], providerNames(a.providers)); err == nil && a.proxy != nil {
			a.proxy.SetRules(rules)
		}
		return err
	})
	return rules, err
}

// routesFault is a file that cannot be used, as a fault of the configuration.
func routesFault(_ *proxy.Rules, err error) error {
	if err == nil {
		return nil
	}
	return &config.Faults{List: []config.Fault{{Variable: config.Prefix + "ROUTES_FILE", Mend: err.Error()}}}
}

// parseRules makes the proxy's rules of the file's text; providers are the
// names that a rule may send people to.
func parseRules(text []byte, providers []string) (*proxy.Rules, error) {
	routes, err := config.ParseRoutes(text)
	if err != nil {
		return nil, err
	}
	list := make([]proxy.Rule, len(routes.Rules))
	var faults []error
	for i, r := range routes.Rules {
		list[i] = proxy.Rule{
			Path: r.Path, Exact: r.Exact, Methods: r.Methods, Access: proxy.Access(r.Access),
			Needs: proxy.Needs{
				Roles: r.Needs.Role, AccountLevel: r.Needs.AccountLevel, AuthenticationLevels: r.Needs.AuthenticationLevel, MaxAge: r.MaxAge.Duration,
			},
			From: r.From.Time(), Before: r.Until.After(), Upstream: r.Upstream.URL,
			Provider: r.Provider, StepUp: r.StepUp, Prompt: r.Prompt, UpstreamHTTP2: r.UpstreamHTTP2, ResponseTimeout: r.ResponseTimeout.Duration, MaxBody: r.MaxBody, PassAuthorization: r.PassAuthorization,
		}
		for _, standing := range r.Needs.Standing {
			list[i].Needs.Standings = append(list[i].Needs.Standings, identity.Standing(standing))
		}
		for _, kind := range r.Needs.Kind {
			list[i].Needs.Kinds = append(list[i].Needs.Kinds, identity.Kind(kind))
		}
		if r.Provider != "" && !slices.Contains(providers, r.Provider) {
			faults = append(faults, fmt.Errorf("rule %d: no provider is called %q; there are %s", i+1, r.Provider, strings.Join(providers, ", ")))
		}
		for _, pair := range r.Headers {
			header, err := proxy.ParseHeader(pair)
			if err != nil {
				faults = append(faults, fmt.Errorf("rule %d: %w", i+1, err))
			}
			list[i].Headers = append(list[i].Headers, header)
		}
	}
	rules, err := proxy.NewRules(list)
	if err = errors.Join(append(faults, err)...); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return rules, nil
}
