package main

import (
	"context"
	"fmt"
	"net/url"
)

// undiscovered looks at a wire that has no discovery: VNeID's encrypted one, or
// one in clear.
func (i *inspection) undiscovered(ctx context.Context) findings {
	p := i.config.Provider
	var found findings
	keys, err := decryptionKeys(p.DecryptionKeyFiles)
	switch {
	case p.Profile != "vneid-encrypted":
	case err != nil:
		found = append(found, providerDecrypt.fault(err.Error(), variable("DECRYPTION_KEY_FILES")+": the private RSA keys, one a file, readable by this process"))
	default:
		found = append(found, providerDecrypt.ok(fmt.Sprintf("%d RSA keys; the first has %d bits", len(keys), keys[0].N.BitLen())))
	}
	reached := true
	asked := map[string]bool{}
	for _, place := range []struct {
		name    string
		address *url.URL
	}{{"AUTHORIZE_URL", p.AuthorizeURL}, {"TOKEN_URL", p.TokenURL}, {"USERINFO_URL", p.UserinfoURL}} {
		origin := place.address.Scheme + "://" + place.address.Host
		if asked[origin] {
			continue
		}
		asked[origin] = true
		if err := i.connect(ctx, place.address); err != nil {
			reached, found = false, append(found, i.unreached(providerReach, place.name, place.address, err))
		}
	}
	if reached {
		found = append(found, providerReach.ok("every address takes connections"))
		at := i.now()
		answer, err := i.inventedCode(ctx, p.TokenURL.String(), true)
		if err == nil {
			found = append(found, i.clock(answer.reply, at))
		}
		found = append(found, i.client(answer, err))
	}
	if found.count(stateFault) == 0 {
		if _, err := newProvider(i.config, i.current, nil); err != nil {
			found = append(found, providerServe.fault("serve would not start: "+err.Error(), "correct the variable that it names"))
		}
	}
	return append(found, providerEnvelope.note("only a real sign-in shows whether VNeID has the public half of the first key of "+
		variable("DECRYPTION_KEY_FILES")+", and whether "+variable("ENVELOPE_CIPHER")+" and its like are VNeID's"))
}
