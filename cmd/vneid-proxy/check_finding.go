package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// subject is what is checked, in the words that pipelines and
// docs/operations.md rely on.
type subject string

// The subjects, by part, in the order in which they are reported.
const (
	configRead        subject = "config.read"
	configDates       subject = "config.dates"
	configPublicURL   subject = "config.public-url"
	configClearText   subject = "config.clear-text"
	configTrust       subject = "config.trust"
	configAssertion   subject = "config.assertion-keys"
	listenerAddress   subject = "listener.address"
	listenerAdmin     subject = "listener.admin"
	listenerTLS       subject = "listener.certificate"
	ledgerFolder      subject = "ledger.folder"
	ledgerSpace       subject = "ledger.space"
	ledgerFile        subject = "ledger.file"
	ledgerServer      subject = "ledger.server"
	ledgerLatency     subject = "ledger.latency"
	ledgerClock       subject = "ledger.clock"
	ledgerConnections subject = "ledger.connections"
	ledgerRights      subject = "ledger.rights"
	ledgerTables      subject = "ledger.tables"
	ledgerDurable     subject = "ledger.durable"
	ledgerKeys        subject = "ledger.keys"
	ledgerAudit       subject = "ledger.audit"
	providerReach     subject = "provider.reach"
	providerClock     subject = "provider.clock"
	providerIssuer    subject = "provider.issuer"
	providerAddress   subject = "provider.addresses"
	providerKeys      subject = "provider.keys"
	providerFlow      subject = "provider.flow"
	providerAuth      subject = "provider.client-authentication"
	providerClaims    subject = "provider.claims"
	providerSignOut   subject = "provider.sign-out"
	providerDecrypt   subject = "provider.decryption-keys"
	providerEnvelope  subject = "provider.envelope"
	providerClient    subject = "provider.client"
	providerServe     subject = "provider.serve"
	portalReach       subject = "portal.reach"
	portalLoginPage   subject = "portal.login"
	portalWhoami      subject = "portal.whoami"
	portalCredential  subject = "portal.credential"
	portalDirect      subject = "portal.direct"
	directoryOpen     subject = "directory.accounts"
	directorySearch   subject = "directory.search"
	directoryHash     subject = "directory.credential"
	directoryWrite    subject = "directory.write-back"
	populationReach   subject = "population.reach"
	populationMatch   subject = "population.match"
	// of the record lookup
	populationLookedUp subject = "population.lookup"
)

// verdict is how a check ended.
type verdict string

const (
	stateOK      verdict = "ok"
	stateNote    verdict = "note"    // cannot be seen from here: somebody has to look
	stateWarning verdict = "warning" // works, and will hurt
	stateFault   verdict = "fault"   // does not work
)

// finding is one line of the report. It holds no secret, no number and nothing
// that somebody else said.
type finding struct {
	Check subject `json:"check"`
	State verdict `json:"state"`
	Says  string  `json:"says"`
	Mend  string  `json:"mend,omitempty"` // how, naming the variable; "" where there is nothing to mend
}

func (s subject) ok(says string) finding   { return finding{s, stateOK, says, ""} }
func (s subject) note(says string) finding { return finding{s, stateNote, says, ""} }

func (s subject) warning(says, mend string) finding { return finding{s, stateWarning, says, mend} }
func (s subject) fault(says, mend string) finding   { return finding{s, stateFault, says, mend} }

// findings is the whole report.
type findings []finding

func (f findings) count(which verdict) (count int) {
	for _, one := range f {
		if one.State == which {
			count++
		}
	}
	return count
}

// write prints a line a finding and a sum.
func (f findings) write(w io.Writer) error {
	for _, one := range f {
		mend := ""
		if one.Mend != "" {
			mend = ". Mend: " + one.Mend
		}
		if _, err := fmt.Fprintf(w, "%-8s %-30s %s%s\n", one.State, one.Check, one.Says, mend); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d ok, %d notes, %d warnings, %d faults\n",
		f.count(stateOK), f.count(stateNote), f.count(stateWarning), f.count(stateFault))
	return err
}

// writeJSON prints {"findings": […], "ok": n, "notes": n, "warnings": n, "faults": n}.
func (f findings) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Findings findings `json:"findings"`
		OK       int      `json:"ok"`
		Notes    int      `json:"notes"`
		Warnings int      `json:"warnings"`
		Faults   int      `json:"faults"`
	}{f, f.count(stateOK), f.count(stateNote), f.count(stateWarning), f.count(stateFault)})
}
