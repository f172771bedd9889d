package main

import (
	"slices"

	"vneid-proxy/config"
)

// What follows holds the provider's own words about itself against what is
// configured here.

func (i *inspection) flow(said discovered) finding {
	mend := "ask the provider to allow the authorization code flow with PKCE (S256) for " + variable("CLIENT_ID")
	code := func(offered string) bool { return offered == "code" }
	switch {
	case !slices.ContainsFunc(said.Responses, code):
		return providerFlow.fault("it does not offer the authorization code flow (response type code)", mend)
	case !slices.Contains(said.Challenges, "S256") && i.config.Provider.ClientSecret.Reveal() == "":
		return providerFlow.fault("it does not offer PKCE with S256, and there is no secret: nothing would bind a code to us",
			variable("CLIENT_SECRET")+": have one issued; or "+mend)
	case !slices.Contains(said.Challenges, "S256"):
		return providerFlow.warning("it does not say that it knows PKCE with S256", mend)
	}
	return providerFlow.ok("authorization code flow with PKCE (S256)")
}

// clientAuthentication holds the token endpoint's methods against what serve
// can do; none listed means client_secret_basic (Discovery 1.0, 3).
func (i *inspection) clientAuthentication(said discovered) finding {
	methods := said.ClientMethods
	if len(methods) == 0 {
		methods = []string{"client_secret_basic"}
	}
	secret := i.config.Provider.ClientSecret.Reveal() != ""
	suits := slices.Contains(methods, "client_secret_basic") || slices.Contains(methods, "client_secret_post")
	switch {
	case secret && !suits:
		return providerAuth.fault("the token endpoint takes neither client_secret_basic nor client_secret_post",
			variable("CLIENT_SECRET")+": ask the provider to allow one of them for "+variable("CLIENT_ID"))
	case !secret && !slices.Contains(methods, "none"):
		return providerAuth.warning("there is no secret, and the token endpoint does not list clients without one",
			variable("CLIENT_SECRET")+": the secret that the provider issued, if it did")
	}
	return providerAuth.ok("the token endpoint takes what we send")
}

// claims warns of what the provider does not list; it need not list all
// (Discovery 1.0, 3).
func (i *inspection) claims(said discovered) finding {
	p := i.config.Provider
	for _, scope := range p.Scopes {
		if len(said.Scopes) > 0 && !slices.Contains(said.Scopes, scope) {
			return providerClaims.warning("it does not list a scope that is asked for", variable("SCOPES")+": those that the provider granted")
		}
	}
	type want struct{ name, claim string }
	wanted := []want{
		{variable("CLAIM_CITIZEN_NUMBER"), p.ClaimCitizenNumber}, {variable("CLAIM_NAME"), p.ClaimName}, {variable("CLAIM_BIRTH_DATE"), p.ClaimBirthDate},
	}
	if i.current.Link == config.LinkNone {
		wanted = []want{{"claim in account", i.current.Account.Claim}, wanted[1]}
	}
	if p.MinAccountLevel > 0 {
		wanted = append(wanted, want{variable("CLAIM_ACCOUNT_LEVEL"), p.ClaimAccountLevel})
	}
	for _, w := range wanted {
		if len(said.Claims) > 0 && !slices.Contains(said.Claims, w.claim) {
			return providerClaims.warning("it does not list the claim "+w.claim, w.name+": the name that the provider uses, if it is another")
		}
	}
	if len(said.Claims) == 0 {
		return providerClaims.note("it does not say which claims it has: a real sign-in shows whether number, name and birth date come")
	}
	return providerClaims.ok("it lists the scopes and claims that are asked for")
}

func (i *inspection) signOut(said discovered) finding {
	if said.EndSession == "" {
		return providerSignOut.warning("it names no address for sign-out: on a shared computer the next person is signed in as the last",
			variable("END_SESSION_URL")+": the address, if the provider has one")
	}
	return providerSignOut.ok("sign-out ends the provider's session too")
}
