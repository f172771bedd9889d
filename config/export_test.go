package config

// ProviderMembers and ProviderChoices are what the published schema is held to.
func ProviderMembers() []string { return providerMembers() }

// ProviderChoices are the words of each member that is one of a few.
func ProviderChoices() map[string][]string {
	choices := map[string][]string{}
	for _, v := range providerVariables() {
		if words := split(v.tag("choice")); words != nil {
			choices[memberOf(v.name)] = words
		}
	}
	return choices
}
