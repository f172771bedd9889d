package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Violation is one row that is not as the ledger's own rules have it.
type Violation struct {
	Rule  Rule   `json:"rule"`
	Table string `json:"table"`
	Row   string `json:"row,omitempty"` // its id; "" where the rule is of several
}

// Rule is something that holds at every moment, whatever was done at once and
// whoever was killed doing it.
type Rule string

// The rules.
const (
	RuleOpens       Rule = "what is sealed opens, in its own row"
	RuleFound       Rule = "a row is found by what is sealed in it"
	RuleOneLink     Rule = "an account has one active link at most"
	RuleOneDefault  Rule = "a citizen with active links has exactly one default, and none among the ended ones"
	RuleOneHolder   Rule = "an active identifier belongs to one citizen"
	RuleOneNumber   Rule = "a citizen has exactly one active number, and one active subject a provider at most"
	RuleHistory     Rule = "what has ended ended after it began"
	RuleConsent     Rule = "a link that was asked for has its one consent"
	RuleAudited     Rule = "a link has one audit row of its making, and one of its end where it ended, and each says by whom"
	RuleNothingLess Rule = "an audit row of a link tells of one that is there"
	RuleProofOnce   Rule = "a proof was spent on one thing"
	RulePending     Rule = "an account has one open check at most, none asked for after it was linked, and an answered one has its outcome"
	RuleSkip        Rule = "a linked account has no open skip"
	RuleExemption   Rule = "an account has one exemption in force at most"
	RuleReview      Rule = "a refusal waits for review once, and a closed one has its outcome"
	RuleUnlink      Rule = "a wish to end a link is open once, and only while the link is active; a closed one has its outcome"
	RuleNotice      Rule = "a closed notice has its outcome"
	RuleWriteBack   Rule = "a closed write-back has its outcome, and a refused one its review"
	RuleSequence    Rule = "no revocation is ahead of the number that feeds read by"
	RuleAuditKey    Rule = "a citizen has one audit key at most, and a destroyed one is empty"
	RuleChain       Rule = "the audit chain is whole"
)

// Report is what Check found.
type Report struct {
	Citizens int64       `json:"citizens"`
	Active   int64       `json:"active_links"`
	Ended    int64       `json:"ended_links"`
	Pending  int64       `json:"open_checks"`
	Audit    AuditReport `json:"audit"`
	// Count is how many violations there are, of which Violations names the
	// first hundred.
	Count      int         `json:"violations"`
	Violations []Violation `json:"first_violations"`
}

// mostViolations are named.
const mostViolations = 100

// Whole reports that every rule holds.
func (r Report) Whole() bool { return r.Count == 0 }

// Check reads the whole ledger on one snapshot and holds it to every rule. It
// takes memory for each link (some 200 bytes) and no lock. The error is a fault
// of storage only.
func (l *Ledger) Check(ctx context.Context) (report Report, err error) {
	err = l.read(ctx, func(t *transaction) error {
		c := &checking{transaction: t, links: make(map[string]*checkedLink)}
		for _, step := range []func() error{
			c.chain, c.count, c.sealed, c.queries, c.readLinks, c.readAuditKeys, c.readAudit, c.audited,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		report = c.report
		return nil
	})
	return report, err
}

// checking is one check under way.
type checking struct {
	*transaction
	report Report
	since  time.Time // audit rows of what happened before may be gone
	links  map[string]*checkedLink
	keys   auditKeys
	erased map[string]int64  // until when a citizen's audit rows do not open any more, by id
	proofs map[string]string // id of the audit row by proof
}

type checkedLink struct {
	citizen      string
	since, ended int64 // ended 0 where active
	made, unmade int   // audit rows
}

func (c *checking) violated(rule Rule, table, row string) {
	if c.report.Count++; len(c.report.Violations) < mostViolations {
		c.report.Violations = append(c.report.Violations, Violation{rule, table, row})
	}
}

func (c *checking) chain() error {
	v := &verification{transaction: c.transaction}
	if err := v.run(); err != nil {
		return err
	}
	c.report.Audit = v.report
	if !v.report.Whole() {
		c.violated(RuleChain, "audit", fmt.Sprint(v.report.Broken))
	}
	if v.report.First > 1 {
		c.since = v.report.Since.Add(clockSkew)
	}
	return nil
}

func (c *checking) count() error {
	for query, into := range map[string]*int64{
		"citizens":                         &c.report.Citizens,
		"links WHERE ended_at IS NULL":     &c.report.Active,
		"links WHERE ended_at IS NOT NULL": &c.report.Ended,
		"pending WHERE closed_at IS NULL":  &c.report.Pending,
	} {
		if _, err := c.one("SELECT COUNT(*) FROM "+query, nil, into); err != nil {
			return err
		}
	}
	return nil
}

// sealed opens everything, and compares what finds a row with what is in it.
func (c *checking) sealed() error {
	found := make(map[string]bool)
	for _, f := range foundTables() {
		found[f.name] = true
		if err := c.each(f.query(""), nil, func(scan func(...any) error) error {
			var r foundRow
			if err := scan(r.fields()...); err != nil {
				return err
			}
			want, err := f.of(c.transaction, r.id, r.clear, r.other, r.sealed)
			if err != nil {
				c.violated(RuleOpens, f.name, r.id)
				return nil
			}
			for i := range f.hash {
				if !want[i].is(r.hashes[i]) {
					c.violated(RuleFound, f.name, r.id)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	for _, table := range sealedTables {
		if found[table.name] {
			continue
		}
		if err := c.each("SELECT "+table.row+", key_id, sealed FROM "+table.name+" WHERE key_id <> ''", nil,
			func(scan func(...any) error) error {
				var row any
				var s sealed
				if err := scan(&row, &s.keyID, &s.box); err != nil {
					return err
				}
				if _, err := c.ledger.keys.open(table.name, rowName(row), s); err != nil {
					c.violated(RuleOpens, table.name, fmt.Sprint(row))
				}
				return nil
			}); err != nil {
			return err
		}
	}
	return c.cleanStates()
}

// cleanStates are found by what is in them too.
func (c *checking) cleanStates() error {
	rows, err := c.cleanRows("")
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, account, err := c.cleanAccount(r); err == nil && !account.is(r.hmac) {
			c.violated(RuleFound, "clean_states", hex.EncodeToString(r.hmac))
		}
	}
	return nil
}

// queries are the rules that the database itself can look for: each query
// finds the rows that break one.
func (c *checking) queries() error {
	for _, q := range []struct {
		rule         Rule
		table, query string
	}{
		{RuleOneLink, "links", "SELECT MIN(id) FROM links WHERE ended_at IS NULL GROUP BY account_hmac HAVING COUNT(*) > 1"},
		{RuleOneDefault, "links", "SELECT MIN(id) FROM links WHERE ended_at IS NULL GROUP BY citizen_id, organisation_hmac HAVING SUM(is_default) <> 1"},
		{RuleOneDefault, "links", "SELECT id FROM links WHERE ended_at IS NOT NULL AND is_default <> 0"},
		{RuleOneHolder, "identifiers", "SELECT MIN(id) FROM identifiers WHERE ended_at IS NULL GROUP BY kind, hmac HAVING COUNT(*) > 1"},
		{RuleOneNumber, "citizens", `SELECT c.id FROM citizens c WHERE
			(SELECT COUNT(*) FROM identifiers i WHERE i.citizen_id = c.id AND i.kind = 'number' AND i.ended_at IS NULL) <> 1`},
		{RuleOneNumber, "identifiers", "SELECT MIN(id) FROM identifiers WHERE ended_at IS NULL GROUP BY citizen_id, kind, provider HAVING COUNT(*) > 1"},
		{RuleHistory, "links", "SELECT id FROM links WHERE ended_at < since OR provider_used_at < since OR provider_used_at > ended_at"},
		{RuleHistory, "identifiers", "SELECT id FROM identifiers WHERE ended_at < since"},
		{RuleConsent, "links", `SELECT l.id FROM links l WHERE (SELECT COUNT(*) FROM consents c WHERE c.link_id = l.id) NOT IN
			(1, CASE WHEN l.method IN ('directory', 'population', 'review') THEN 0 ELSE 1 END)`},
		{RulePending, "pending", "SELECT MIN(id) FROM pending WHERE closed_at IS NULL GROUP BY account_hmac HAVING COUNT(*) > 1"},
		{RulePending, "pending", "SELECT id FROM pending WHERE (closed_at IS NULL) <> (outcome = '') OR closed_at < at"},
		{RulePending, "pending", `SELECT p.id FROM pending p JOIN links l ON l.account_hmac = p.account_hmac AND l.ended_at IS NULL
			WHERE p.closed_at IS NULL AND p.at > l.since`},
		{RuleSkip, "skips", `SELECT s.id FROM skips s JOIN links l ON l.account_hmac = s.account_hmac AND l.ended_at IS NULL
			WHERE s.closed_at IS NULL`},
		{RuleExemption, "exemptions", "SELECT MIN(id) FROM exemptions WHERE ended_at IS NULL GROUP BY account_hmac HAVING COUNT(*) > 1"},
		{RuleReview, "reviews", "SELECT MIN(id) FROM reviews WHERE closed_at IS NULL GROUP BY who HAVING COUNT(*) > 1"},
		{RuleReview, "reviews", "SELECT id FROM reviews WHERE (closed_at IS NULL) <> (outcome = '' AND decision = '')"},
		{RuleUnlink, "unlinks", "SELECT MIN(id) FROM unlinks WHERE closed_at IS NULL GROUP BY link_id HAVING COUNT(*) > 1"},
		{RuleUnlink, "unlinks", "SELECT id FROM unlinks WHERE (closed_at IS NULL) <> (outcome = '')"},
		{RuleUnlink, "unlinks", "SELECT u.id FROM unlinks u JOIN links l ON l.id = u.link_id WHERE u.closed_at IS NULL AND l.ended_at IS NOT NULL"},
		{RuleNotice, "notices", "SELECT id FROM notices WHERE (closed_at IS NULL) <> (outcome = '')"},
		{RuleWriteBack, "write_backs", `SELECT id FROM write_backs WHERE (closed_at IS NULL) <> (outcome = '')
			OR (outcome = 'refused') <> (reference <> '')`},
		{RuleSequence, "revocations", "SELECT CAST(MAX(seq) AS TEXT) FROM revocations HAVING MAX(seq) > (SELECT value FROM sequences WHERE name = 'revocations')"},
		{RuleAuditKey, "audit_keys", "SELECT MIN(id) FROM audit_keys WHERE destroyed_at IS NULL GROUP BY citizen_id HAVING COUNT(*) > 1"},
		{RuleAuditKey, "audit_keys", "SELECT id FROM audit_keys WHERE (destroyed_at IS NOT NULL) <> (key_id = '')"},
	} {
		if err := c.each(q.query, nil, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			c.violated(q.rule, q.table, id)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *checking) readLinks() error {
	return c.each("SELECT id, citizen_id, since, COALESCE(ended_at, 0) FROM links", nil, func(scan func(...any) error) error {
		var id string
		l := &checkedLink{}
		if err := scan(&id, &l.citizen, &l.since, &l.ended); err != nil {
			return err
		}
		c.links[id] = l
		return nil
	})
}

func (c *checking) readAuditKeys() (err error) {
	if c.keys, err = c.auditKeys(); err != nil {
		return err
	}
	c.erased = make(map[string]int64)
	return c.each("SELECT citizen_id, destroyed_at FROM audit_keys WHERE destroyed_at IS NOT NULL", nil, func(scan func(...any) error) error {
		var citizen string
		var at int64
		err := scan(&citizen, &at)
		c.erased[citizen] = max(c.erased[citizen], at)
		return err
	})
}

// readAudit counts for each link and proof the rows that tell of it.
func (c *checking) readAudit() error {
	c.proofs = make(map[string]string)
	return c.each("SELECT "+auditColumns+" FROM audit a WHERE a.event IN (?, ?, ?, ?)",
		[]any{EventLinked, EventUnlinked, EventSkipped, EventCheckAsked}, func(scan func(...any) error) error {
			var r auditRow
			if err := scan(r.fields()...); err != nil {
				return err
			}
			d, err := c.keys.detail(c.ledger.keys, r)
			switch {
			case errors.Is(err, errErased):
				return nil // what it told of is forgiven
			case err != nil:
				c.violated(RuleOpens, "audit", r.id)
				return nil
			}
			c.told(r, d)
			return nil
		})
}

func (c *checking) told(r auditRow, d detail) {
	if proof := d.Detail["proof"]; proof != "" {
		if c.proofs[proof] != "" {
			c.violated(RuleProofOnce, "audit", r.id)
		}
		c.proofs[proof] = r.id
	}
	if r.event != EventLinked && r.event != EventUnlinked {
		return
	}
	l := c.links[d.Detail["link"]]
	switch {
	case l == nil:
		c.violated(RuleNothingLess, "audit", r.id)
	case d.Actor == "":
		c.violated(RuleAudited, "audit", r.id)
	case r.event == EventLinked:
		l.made++
	default:
		l.unmade++
	}
}

// audited compares what links say of themselves with what was told of them.
func (c *checking) audited() error {
	for id, l := range c.links {
		ended := 0
		if l.ended != 0 {
			ended = 1
		}
		if l.made == 0 && c.gone(l.citizen, l.since) {
			l.made = 1
		}
		if ended == 1 && l.unmade == 0 && c.gone(l.citizen, l.ended) {
			l.unmade = 1
		}
		if l.made != 1 || l.unmade != ended {
			c.violated(RuleAudited, "links", id)
		}
	}
	return nil
}

// gone reports whether the citizen's audit rows of that time may be past
// theirs, or do not open any more.
func (c *checking) gone(citizenID string, at int64) bool {
	return moment(at).Before(c.since) || at <= c.erased[citizenID]
}
