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
	lookup := i.config.Population.Lookup == "on"
	if !i.ask {
		found = append(found, populationMatch.note("not asked, because it may cost money: --ask-population proves "+i.populationProof()))
		if lookup {
			found = append(found, populationLookedUp.note("not asked either: --ask-population proves the record lookup too"))
		}
		return found
	}
	client, err := newPopulation(i.config, nil)
	if err != nil {
		return append(found, populationMatch.fault(oneLine(err), variable(name)+", "+variable("POPULATION_PROFILE")+": what the profile needs"))
	}
	found = append(found, i.asked(populationMatch, name, func(q population.Question) (bool, error) {
		answer, err := client.Match(ctx, q)
		return answer == population.Matched, err
	}))
	if lookup {
		if i.config.Population.LookupURL != nil {
			name = "POPULATION_LOOKUP_URL"
		}
		found = append(found, i.asked(populationLookedUp, name, func(q population.Question) (bool, error) {
			record, err := client.Lookup(ctx, q)
			return record.Found, err
		}))
	}
	return found
}

// populationProof names the variables that prove who asks.
func (i *inspection) populationProof() string {
	switch i.config.Population.Profile {
	case population.ProfileNDXP:
		return variable("POPULATION_USER") + ", " + variable("POPULATION_SECRET") + ", " + variable("POPULATION_API_KEY")
	case population.ProfileNDXPPlain:
		return variable("POPULATION_USER") + ", " + variable("POPULATION_SECRET")
	case population.ProfileLGSPKeys:
		return variable("POPULATION_ACCESS_KEY") + ", " + variable("POPULATION_SECRET") + ", " + variable("POPULATION_USER") + ", " + variable("POPULATION_PASSWORD")
	}
	return variable("POPULATION_TOKEN")
}

// asked asks about a number that nobody has: no province has the code 000.
func (i *inspection) asked(s subject, name string, ask func(population.Question) (bool, error)) finding {
	u := i.config.Population.URL
	if name == "POPULATION_LOOKUP_URL" {
		u = i.config.Population.LookupURL
	}
	number, err := identity.VouchedCitizenNumber("000000000001")
	if err != nil {
		return s.fault("no question can be made", "report it: this is a fault of vneid-proxy")
	}
	found, err := ask(population.Question{Number: number, Name: "KIEM TRA KET NOI", BirthDate: identity.BirthDate{Year: 1900, Month: 1, Day: 1}})
	switch {
	case err == nil && !found:
		return s.ok("a number that nobody has does not match")
	case err == nil:
		return s.fault("DANGER: it confirms a person who does not exist: anybody could be linked to anything",
			variable(name)+": the population database itself; this address confirms everything")
	case errors.Is(err, population.ErrRefused):
		return s.fault("it knows us and will not serve us: "+oneLine(err), variable("POPULATION_PROCEDURE")+", "+variable("POPULATION_OFFICIAL")+": a procedure that is licensed for this service, and an official who is registered")
	case errors.Is(err, population.ErrMalformed):
		return s.fault("it answers something else than yes or no", variable(name)+", "+variable("POPULATION_PROFILE")+": the address of the match and the way it is spoken to")
	case outbound.CauseOf(err) == outbound.Refused:
		return s.fault("it does not accept our token or our question", i.populationProof()+": what it issued; "+variable(name)+": the full address")
	}
	return i.unreached(s, name, u, err)
}
