// Package config is the environment made into values: one loader, one shape.
//
// Every variable begins with VNEID_PROXY_ and is described by the tags of its
// field: env names it, envDefault gives its default, or presets one for each
// PROVIDER, form or choice says what it may hold, later what a coming release
// will take, need when it must be set, only with which PROVIDER it may be,
// profiles with which POPULATION_PROFILE,
// example what to write, doc what it means. docs/configuration.md is generated
// from them. Load refuses everything that is wrong at once.
//
// Nothing is opened or reached here but the files of secrets: construction
// happens in constructors. To reload, call Load again with the same
// environment: it validates the whole, and only what Config.Files lists can
// have changed.
package config

//go:generate go test -run ^TestDocument$ -update .

// Prefix begins the name of every variable.
const Prefix = "VNEID_PROXY_"

// Config is everything the environment says, validated. The about tag opens
// the group's part of the document.
type Config struct {
	Listen     Listen     `title:"Listening" about:"Where the proxy takes connections."`
	Public     Public     `title:"Public address" about:"How browsers reach the portal. One deployment is one portal: any other Host is answered 421."`
	Portal     Portal     `title:"Portal" about:"The legacy portal behind the proxy."`
	Provider   Provider   `title:"Identity provider" about:"Who vouches for citizens."`
	Keys       Keys       `title:"Keys" about:"In every list the first key is active and the rest open or are published. To rotate, publish the new key last, then move it first."`
	Session    Session    `title:"Sessions" about:"How long a sign-in lasts."`
	Ledger     Ledger     `title:"Ledger" about:"The durable record of links."`
	Directory  Directory  `title:"Directory" about:"Where the portal keeps its accounts."`
	Population Population `title:"Population database" about:"The check of number, name and birth date."`
	Link       Link       `title:"Linking policy" about:"What is asked of whoever has no citizen number (CCCD) yet. Dates include the day named, in Asia/Ho_Chi_Minh; unset means not at all."`
	Screens    Screens    `title:"Screens" about:"What the pages show."`
	Process    Process    `title:"Process" about:"Logs, deadlines and the end of the process."`

	files []string
}

// Files lists the files that the configuration names and that may change
// while the process runs: secrets, the TLS pair, keys.
func (c Config) Files() []string { return c.files }
