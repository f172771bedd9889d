package main

import (
	"context"
	"errors"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/broker/population"
	"vneid-proxy/identity"
)

// population connects, and asks only where told to.
func (i *inspection) population(ctx context.Context) findings {
	name, u := "POPULATION_URL", i.config.Population.URL
	if u == nil {
		return nil
	}
	if err := i.connect(ctx, u); err != nil {
		return findings{i.unreached(populationReach, name, u, err)}
	}
	found := findings{populationReach.ok("it takes connections")}
	if !i.ask {
		return append(found, populationMatch.note("not asked, because it may cost money: --ask-population proves "+variable("POPULATION_TOKEN")))
	}
	return append(found, i.match(ctx))
}

// match asks about a number that nobody has: no province has the code 000.
func (i *inspection) match(ctx context.Context) finding {
	name, u := "POPULATION_URL", i.config.Population.URL
	number, err := identity.VouchedCitizenNumber("000000000001")
	if err != nil {
		return populationMatch.fault("no question can be made", "report it: this is a fault of vneid-proxy")
	}
	client, err := population.New(population.Config{
		URL: u.String(), Profile: i.config.Population.Profile, Token: i.config.Population.Token.Reveal(),
		Timeout: i.config.Process.CallTimeout, AllowHTTP: i.config.Public.AllowHTTP,
	})
	if err != nil {
		return populationMatch.fault(err.Error(), variable(name)+": the full address of the match")
	}
	answer, err := client.Match(ctx, population.Question{
		Number: number, Name: "KIEM TRA KET NOI", BirthDate: identity.BirthDate{Year: 1900, Month: 1, Day: 1},
	})
	switch {
	case err == nil && answer == population.NotMatched:
		return populationMatch.ok("a number that nobody has does not match")
	case err == nil:
		return populationMatch.fault("DANGER: it confirms a person who does not exist: anybody could be linked to anything",
			variable(name)+": the population database itself; this address confirms everything")
	case errors.Is(err, population.ErrMalformed):
		return populationMatch.fault("it answers something else than yes or no", variable(name)+", "+variable("POPULATION_PROFILE")+": the address of the match and the way it is spoken to")
	case outbound.CauseOf(err) == outbound.Refused:
		return populationMatch.fault("it does not accept our token or our question", variable("POPULATION_TOKEN")+": the token that it issued; "+variable(name)+": the full address of the match")
	}
	return i.unreached(populationMatch, name, u, err)
}
