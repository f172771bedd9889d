package main

import (
	"context"
	"errors"
	"math"
	"time"

	"vneid-proxy/broker"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/population"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
)

// newPopulation is the client that the configuration describes. count counts
// the day's calls for all processes that share a ledger.
func newPopulation(c config.Config, count func(ctx context.Context, day string) (int, error)) (*population.Client, error) {
	p := c.Population
	if p.PerDay == 0 {
		count = nil
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second}[p.Timestamp]
	return population.New(population.Config{
		Profile: p.Profile, URL: address(p.URL), LookupURL: address(p.LookupURL),
		Credentials: func() population.Credentials {
			return population.Credentials{
				Token: p.Token.Current(), User: p.User, Secret: p.Secret.Current(), APIKey: p.APIKey.Current(),
				AccessKey: p.AccessKey.Current(), Password: p.Password.Current(), Official: p.Official.Current(),
			}
		},
		Service: population.Service{
			Procedure: p.Procedure, MatchCode: p.MatchCode, LookupCode: p.LookupCode,
			Unit: p.Unit, Account: p.Account, Phone: p.Phone, User: p.ServiceUser,
			Client: p.Client, SignedURL: p.SignedURL, TimestampUnit: unit,
			AppName: p.AppName, PartnerCode: p.PartnerCode, PartnerCodeCus: p.PartnerCodeCus, TokenURL: address(p.TokenURL),
		},
		Form: population.Form{Name: p.NameForm, Date: p.DateForm}, ReplySpace: p.ReplySpace,
		Limits: population.Limits{
			PerSecond: float64(p.PerSecond), AtOnce: p.AtOnce, PerDay: p.PerDay, Reserve: p.Reserve, Wait: p.Wait, Count: count,
		},
		Timeout: c.Process.CallTimeout, AllowHTTP: c.Public.AllowHTTP,
	})
}

// callsToday counts a call in the ledger. The counter outlives its day by one,
// so that it never begins anew within it.
func callsToday(l *ledger.Ledger) func(ctx context.Context, day string) (int, error) {
	return func(ctx context.Context, day string) (int, error) {
		calls, _, err := l.Raise(ctx, "population day", []byte(day), 48*time.Hour)
		return calls, err
	}
}

// populationCheck answers no for an account whose name or birth date cannot be
// asked about: the person is told to have them corrected, as for a mismatch.
func populationCheck(client *population.Client, calls calls) broker.Population {
	return func(ctx context.Context, n identity.CitizenNumber, name string, d identity.BirthDate) (bool, error) {
		began := calls.now()
		answer, err := client.Match(ctx, population.Question{Number: n, Name: name, BirthDate: d})
		if errors.Is(err, population.ErrQuestion) {
			return false, nil
		}
		calls.measure("population", "match", began, populationOutcome(err))
		return answer == population.Matched, err
	}
}

// populationLookup is nil where no records are looked up. What cannot be asked
// about has no answer, and nobody found has no numbers.
func populationLookup(c config.Config, client *population.Client, calls calls) broker.Lookup {
	if c.Population.Lookup != "on" {
		return nil
	}
	return func(ctx context.Context, n identity.CitizenNumber, name string, d identity.BirthDate) ([]identity.IDCardNumber, error) {
		began := calls.now()
		record, err := client.Lookup(ctx, population.Question{Number: n, Name: name, BirthDate: d})
		if errors.Is(err, population.ErrQuestion) {
			return nil, nil
		}
		calls.measure("population", "lookup", began, populationOutcome(err))
		return record.IDCards, err
	}
}

func populationOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, population.ErrLimited):
		return "limited"
	case errors.Is(err, population.ErrRefused):
		return "refused"
	case errors.Is(err, population.ErrMalformed):
		return "malformed"
	}
	return "unavailable"
}

func watchPopulation(m *metrics.Metrics, client *population.Client) {
	m.WatchPopulation(func() metrics.Population {
		s := client.State()
		left := float64(s.Left)
		if s.Left < 0 {
			left = math.Inf(1)
		}
		return metrics.Population{Waiting: s.Waiting, Used: s.Used, Left: left, Breaker: int(s.Breaker)}
	})
}
