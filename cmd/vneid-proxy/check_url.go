package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"vneid-proxy/config"
	"vneid-proxy/proxy"
)

// explainURL says which rule decides on a request such as "GET /a/b". It
// reaches nobody.
func explainURL(w io.Writer, c config.Config, request, at string) error {
	method, target, ok := strings.Cut(strings.TrimSpace(request), " ")
	target = strings.TrimSpace(target)
	if !ok || !strings.HasPrefix(target, "/") {
		return errors.New(`write --url as a method and a path, such as "GET /dossiers"`)
	}
	when := time.Now()
	if at != "" {
		var day config.Date
		if err := day.UnmarshalText([]byte(at)); err != nil {
			return errors.New("write --at as a day, such as 2026-07-01")
		}
		when = day.Time()
	}
	rules, err := rulesOf(c)
	if err != nil {
		return err
	}
	e := rules.Explain(method, target, when)
	switch {
	case e.Rule > 0:
		_, err = fmt.Fprintf(w, "rule %d decides: %s\n", e.Rule, e.Access)
	default:
		_, err = fmt.Fprintln(w, "no rule decides: protected")
	}
	for _, number := range e.Also {
		_, also := fmt.Fprintf(w, "rule %d must be satisfied as well: the path may be read as one of its own\n", number)
		err = errors.Join(err, also)
	}
	if !e.Plain {
		_, odd := fmt.Fprintln(w, "the path is not plain: nothing that loosens is for it")
		err = errors.Join(err, odd)
	}
	return err
}

// rulesOf are the rules that serve would begin with.
func rulesOf(c config.Config) (*proxy.Rules, error) {
	if c.Portal.RoutesFile == "" {
		var list []proxy.Rule
		for path := range slices.Values(c.Portal.PublicPaths) {
			list = append(list, proxy.Rule{Path: path, Access: proxy.Public})
		}
		return proxy.NewRules(list)
	}
	text, err := config.ReadFile(c.Portal.RoutesFile)
	if err != nil {
		return nil, err
	}
	providers, err := providersOf(c)
	if err != nil {
		return nil, err
	}
	return parseRules(text, providerNames(providers))
}
