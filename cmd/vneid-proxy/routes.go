package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/proxy"
)

// routesEvery is how often ROUTES_FILE is looked at. Its text is compared, not
// its time: a mounted ConfigMap changes by another file taking its place.
const routesEvery = 2 * time.Second

// readRoutes reads ROUTES_FILE; nil rules where there is none.
func (a *app) readRoutes() (*proxy.Rules, error) {
	name := a.config.Portal.RoutesFile
	if name == "" {
		return nil, nil
	}
	text, err := config.ReadFile(name)
	if err != nil {
		return nil, err
	}
	a.routes = text
	rules, err := parseRules(text)
	a.metrics.Reloaded("routes", err == nil)
	return rules, err
}

// routesFault is a file that cannot be used, as a fault of the configuration.
func routesFault(_ *proxy.Rules, err error) error {
	if err == nil {
		return nil
	}
	return &config.Faults{List: []config.Fault{{Variable: config.Prefix + "ROUTES_FILE", Mend: err.Error()}}}
}

// watchRoutes puts a changed ROUTES_FILE in force until ctx ends. One that
// cannot be used changes nothing but a metric and a line of the log.
func (a *app) watchRoutes(ctx context.Context) {
	name := a.config.Portal.RoutesFile
	if name == "" {
		return
	}
	look := time.NewTicker(routesEvery)
	defer look.Stop()
	missing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		text, err := config.ReadFile(name)
		if err == nil && bytes.Equal(text, a.routes) || err != nil && missing {
			continue
		}
		missing = err != nil
		var rules *proxy.Rules
		if err == nil {
			a.routes = text
			rules, err = parseRules(text)
		}
		a.metrics.Reloaded("routes", err == nil)
		if err != nil {
			a.logger.Warn("the routes file cannot be used; the rules before it hold", "cause", err.Error())
			continue
		}
		a.proxy.SetRules(rules)
		a.logger.Info("routes reloaded", "rules", rules.Len())
	}
}

// parseRules makes the proxy's rules of the file's text.
func parseRules(text []byte) (*proxy.Rules, error) {
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
			StepUp: r.StepUp, Prompt: r.Prompt, UpstreamHTTP2: r.UpstreamHTTP2, ResponseTimeout: r.ResponseTimeout.Duration, MaxBody: r.MaxBody, PassAuthorization: r.PassAuthorization,
		}
		for _, standing := range r.Needs.Standing {
			list[i].Needs.Standings = append(list[i].Needs.Standings, identity.Standing(standing))
		}
		for _, kind := range r.Needs.Kind {
			list[i].Needs.Kinds = append(list[i].Needs.Kinds, identity.Kind(kind))
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
