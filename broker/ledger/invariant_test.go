package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func check(t testing.TB, l *ledger.Ledger) ledger.Report {
	t.Helper()
	report, err := l.Check(context.Background())
	require.NoError(t, err)
	return report
}

func whole(t testing.TB, l *ledger.Ledger) ledger.Report {
	t.Helper()
	report := check(t, l)
	require.True(t, report.Whole(), "%+v", report)
	return report
}

// someLife is a ledger in which a little of everything has happened.
func someLife(t *testing.T) kept {
	ctx := context.Background()
	path := tempFile(t)
	c := config(path)
	c.WriteBack = true
	l, err := ledger.Open(ctx, c)
	require.NoError(t, err)
	soon := time.Now().Add(time.Hour)
	_, err = l.Skip(ctx, "lan", identity.KindCitizen, freshProof(), soon, netip.AddrPort{})
	require.NoError(t, err)
	_, err = l.Skip(ctx, "lan-2", identity.KindCitizen, freshProof(), soon, netip.AddrPort{})
	require.NoError(t, err)
	mustLink(t, l, "lan", person(t, 1))
	mustLink(t, l, "lan-3", person(t, 1))
	first := mustLink(t, l, "huy", person(t, 2))
	require.NoError(t, l.Unlink(ctx, first.ID, "test", "staff"))
	mustLink(t, l, "huy", person(t, 3))
	ask(t, l, "mai", 4)
	answered := ask(t, l, "nam", 5)
	_, err = l.AnswerPending(ctx, answered.ID, false, "")
	require.NoError(t, err)
	require.NoError(t, l.Exempt(ctx, ledger.Exemption{Account: "hoa", Reason: "r", Approver: "a", Until: soon}))
	_, err = l.AskReview(ctx, refused("tu", person(t, 6), ledger.ReviewConflict))
	require.NoError(t, err)
	reference, err := l.AskReview(ctx, refused("tu", person(t, 8), ledger.ReviewConflict))
	require.NoError(t, err)
	_, err = l.Decide(ctx, reference, ledger.Vote{Officer: "can-bo-1", Decision: ledger.DecisionReject})
	require.NoError(t, err)
	carried, err := l.Decide(ctx, reference, ledger.Vote{Officer: "can-bo-2", Decision: ledger.DecisionReject})
	require.NoError(t, err)
	require.True(t, carried)
	active, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	require.NoError(t, l.AskUnlink(ctx, active.ID, soon, netip.AddrPort{}))
	acting := person(t, 9)
	acting.Organisation = identity.Organisation{ID: "0990000001"}
	n := newLink("cong-ty", acting)
	n.Kind = identity.KindOrganisation
	_, err = l.Link(ctx, n)
	require.NoError(t, err)
	_, err = l.AskClean(ctx, cleanQuestion(t, "sach", "099000000077"), ledger.CleanAsk{Run: "run", Lease: time.Minute})
	require.NoError(t, err)
	require.NoError(t, l.AnswerClean(ctx, cleanQuestion(t, "sach", "099000000077"), ledger.CleanNotMatched))
	erased := mustLink(t, l, "quen", person(t, 7))
	require.NoError(t, l.EraseCitizen(ctx, erased.CitizenID, "an", "theo yêu cầu"))
	backs := claimWriteBacks(t, l)
	_, err = l.CloseWriteBack(ctx, backs[0].ID, ledger.WriteBackWritten)
	require.NoError(t, err)
	seal(t, l)
	whole(t, l)
	require.NoError(t, l.Close())
	return kept{path}
}

// Each rule is broken behind the ledger's back, where need be without the index
// that would not let it.
func TestEveryBrokenRuleIsNamed(t *testing.T) {
	life := someLife(t)
	for name, c := range map[string]struct {
		rule ledger.Rule
		sql  string
	}{
		"sealed elsewhere":         {ledger.RuleOpens, "UPDATE links SET sealed = (SELECT sealed FROM citizens LIMIT 1) WHERE id = (SELECT MIN(id) FROM links)"},
		"profile of another":       {ledger.RuleOpens, "UPDATE citizens SET sealed = (SELECT sealed FROM links LIMIT 1) WHERE id = (SELECT MIN(id) FROM citizens)"},
		"audit detail of another":  {ledger.RuleOpens, "UPDATE audit SET sealed = zeroblob(40) WHERE event = 'skipped'"},
		"found as another":         {ledger.RuleFound, "UPDATE links SET account_hmac = zeroblob(32) WHERE id = (SELECT MIN(id) FROM links WHERE ended_at IS NOT NULL)"},
		"identifier found wrong":   {ledger.RuleFound, "UPDATE identifiers SET hmac = zeroblob(32) WHERE id = (SELECT MIN(id) FROM identifiers)"},
		"review found wrong":       {ledger.RuleFound, "UPDATE reviews SET subject_hmac = zeroblob(32)"},
		"two links":                {ledger.RuleOneLink, "DROP INDEX links_account; DROP INDEX links_default; UPDATE links SET ended_at = NULL, is_default = 1"},
		"two defaults":             {ledger.RuleOneDefault, "DROP INDEX links_default; UPDATE links SET is_default = 1 WHERE ended_at IS NULL"},
		"no default":               {ledger.RuleOneDefault, "UPDATE links SET is_default = 0"},
		"ended default":            {ledger.RuleOneDefault, "UPDATE links SET is_default = 1 WHERE ended_at IS NOT NULL"},
		"two holders":              {ledger.RuleOneHolder, "DROP INDEX identifiers_active; UPDATE identifiers SET hmac = (SELECT hmac FROM identifiers WHERE kind = 'number' LIMIT 1) WHERE kind = 'number'"},
		"no number":                {ledger.RuleOneNumber, "UPDATE identifiers SET ended_at = since WHERE id = (SELECT MIN(id) FROM identifiers WHERE kind = 'number')"},
		"two subjects":             {ledger.RuleOneNumber, "DROP INDEX identifiers_citizen; UPDATE identifiers SET citizen_id = (SELECT MIN(citizen_id) FROM identifiers) WHERE kind = 'subject'"},
		"ended before it began":    {ledger.RuleHistory, "UPDATE links SET ended_at = since - 1 WHERE ended_at IS NOT NULL"},
		"no consent":               {ledger.RuleConsent, "DELETE FROM consents WHERE id = (SELECT MIN(id) FROM consents)"},
		"link without its row":     {ledger.RuleAudited, "INSERT INTO links (id, citizen_id, account_hmac, key_id, sealed, kind, method, strength, is_default, since, ended_at) SELECT 'x', citizen_id, account_hmac, key_id, sealed, kind, 'directory', strength, 0, since, since FROM links WHERE ended_at IS NULL LIMIT 1"},
		"end without its row":      {ledger.RuleAudited, "UPDATE links SET ended_at = since, is_default = 0 WHERE id = (SELECT MIN(id) FROM links WHERE ended_at IS NULL AND id NOT IN (SELECT l.id FROM links l JOIN audit_keys k ON k.citizen_id = l.citizen_id AND k.destroyed_at IS NOT NULL))"},
		"row without its link":     {ledger.RuleNothingLess, "DELETE FROM consents; DELETE FROM write_backs; DELETE FROM links WHERE ended_at IS NOT NULL"},
		"two open checks":          {ledger.RulePending, "DROP INDEX pending_open; UPDATE pending SET closed_at = NULL, outcome = '', account_hmac = (SELECT account_hmac FROM pending WHERE closed_at IS NULL)"},
		"answered without outcome": {ledger.RulePending, "UPDATE pending SET outcome = '' WHERE closed_at IS NOT NULL"},
		"asked for though linked":  {ledger.RulePending, "UPDATE links SET since = 1, account_hmac = (SELECT account_hmac FROM pending WHERE closed_at IS NULL) WHERE id = (SELECT MIN(id) FROM links WHERE ended_at IS NULL)"},
		"skip though linked":       {ledger.RuleSkip, "UPDATE skips SET closed_at = NULL"},
		"two exemptions":           {ledger.RuleExemption, "DROP INDEX exemptions_account; INSERT INTO exemptions SELECT 'x', account_hmac, key_id, sealed, until_at, at, NULL FROM exemptions"},
		"two reviews":              {ledger.RuleReview, "DROP INDEX reviews_open; UPDATE reviews SET who = (SELECT who FROM reviews LIMIT 1)"},
		"closed without outcome":   {ledger.RuleReview, "UPDATE reviews SET closed_at = at"},
		"two wishes":               {ledger.RuleUnlink, "DROP INDEX unlinks_open; INSERT INTO unlinks SELECT 'x', link_id, at, due_at, outcome, closed_at FROM unlinks"},
		"wish without outcome":     {ledger.RuleUnlink, "UPDATE unlinks SET closed_at = at"},
		"wish outlives its link":   {ledger.RuleUnlink, "UPDATE links SET ended_at = since, is_default = 0 WHERE id IN (SELECT link_id FROM unlinks)"},
		"notice without outcome":   {ledger.RuleNotice, "UPDATE notices SET closed_at = at"},
		"organisation found wrong": {ledger.RuleFound, "UPDATE links SET organisation_hmac = zeroblob(32) WHERE length(organisation_hmac) > 1"},
		"clean state of another":   {ledger.RuleOpens, "UPDATE clean_states SET account_hmac = zeroblob(32)"},
		"vote of another":          {ledger.RuleOpens, "UPDATE review_votes SET sealed = zeroblob(40)"},
		"write-back half closed":   {ledger.RuleWriteBack, "UPDATE write_backs SET outcome = '' WHERE closed_at IS NOT NULL"},
		"sequence behind":          {ledger.RuleSequence, "UPDATE sequences SET value = 0"},
		"two audit keys":           {ledger.RuleAuditKey, "DROP INDEX audit_keys_citizen; INSERT INTO audit_keys SELECT 'x', citizen_id, key_id, sealed, created_at, NULL FROM audit_keys WHERE destroyed_at IS NULL AND citizen_id <> '' LIMIT 1"},
		"destroyed key kept":       {ledger.RuleAuditKey, "UPDATE audit_keys SET key_id = 'x' WHERE destroyed_at IS NOT NULL"},
		"chain broken":             {ledger.RuleChain, "UPDATE audit SET at = at + 1 WHERE chain_seq = 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := life.copy(t)
			l := open(t, config(path))
			whole(t, l)
			_, err := rawSQL(t, path).Exec(c.sql)
			require.NoError(t, err)
			var rules []ledger.Rule
			for _, v := range check(t, l).Violations {
				rules = append(rules, v.Rule)
			}
			assert.Contains(t, rules, c.rule)
		})
	}
}

// One proof spent on two things: the index that forbids it is emptied.
func TestAProofSpentTwiceIsNamed(t *testing.T) {
	path := tempFile(t)
	l := open(t, config(path))
	n := newLink("lan", person(t, 1))
	_, err := l.Link(context.Background(), n)
	require.NoError(t, err)
	_, err = rawSQL(t, path).Exec("DELETE FROM spent")
	require.NoError(t, err)
	n.Account = "huy"
	_, err = l.Link(context.Background(), n)
	require.NoError(t, err)
	report := check(t, l)
	require.Equal(t, 1, report.Count)
	assert.Equal(t, ledger.RuleProofOnce, report.Violations[0].Rule)
}

// A thousand attempts at once, by two processes, to link the same accounts and
// citizens in both flows, beside whatever else happens to them.
func TestAThousandLinkAtOnce(t *testing.T) {
	attempts := 1000
	if !onPostgres() && testing.Short() {
		attempts = 200
	}
	ctx := context.Background()
	path := tempFile(t)
	c := config(path)
	c.WriteBack, c.CheckpointRows = true, 50
	ledgers := []*ledger.Ledger{open(t, c), open(t, c)}
	const accounts, citizens = 40, 25
	var made sync.Map // links, by id
	var ended atomic.Int64
	var wg sync.WaitGroup
	gate := make(chan struct{})
	room := make(chan struct{}, 64)
	allowed := []error{ledger.ErrAccountTaken, ledger.ErrAlreadyLinked, ledger.ErrConflict, ledger.ErrSpent, ledger.ErrPending, ledger.ErrNotFound}
	for i := range attempts {
		l := ledgers[i%2]
		account := fmt.Sprintf("account-%d", rand.IntN(accounts))
		who := person(t, rand.IntN(citizens))
		kind := rand.IntN(10)
		wg.Go(func() {
			<-gate
			room <- struct{}{}
			defer func() { <-room }()
			err := attempt(ctx, l, kind, account, who, &made, &ended)
			for _, refusal := range allowed {
				if errors.Is(err, refusal) {
					return
				}
			}
			assert.NoError(t, err)
		})
	}
	var work sync.WaitGroup
	stop, cancel := context.WithCancel(ctx)
	for _, l := range ledgers {
		work.Go(func() {
			for stop.Err() == nil {
				_, err := l.SealAudit(stop)
				if stop.Err() == nil {
					assert.NoError(t, err)
				}
			}
		})
	}
	close(gate)
	wg.Wait()
	cancel()
	work.Wait()
	_, err := rawSQL(t, path).Exec("UPDATE audit_head SET until_at = 0") // whoever sealed last keeps its lease
	require.NoError(t, err)
	seal(t, ledgers[0])
	report := whole(t, ledgers[1])
	confirmed := int64(0)
	made.Range(func(any, any) bool { confirmed++; return true })
	assert.Equal(t, confirmed-ended.Load(), report.Active, "as many as were confirmed")
	assert.Equal(t, ended.Load(), report.Ended)
	assert.Zero(t, report.Audit.Unsealed)
	assert.Positive(t, ended.Load())
	assert.GreaterOrEqual(t, report.Active, int64(citizens)/2)
	t.Logf("%d links made, %d ended, %d audit rows", confirmed, ended.Load(), report.Audit.Last)
}

// attempt is one of a thousand.
func attempt(ctx context.Context, l *ledger.Ledger, kind int, account string, who identity.Citizen, made *sync.Map, ended *atomic.Int64) error {
	n := newLink(account, who)
	switch kind {
	case 0: // skipped
		_, err := l.Skip(ctx, n.Account, n.Kind, n.Proof, n.ProofExpires, n.Source)
		return err
	case 1: // the population database is slow
		p, err := l.AddPending(ctx, ledger.NewPending{Account: n.Account, Kind: n.Kind, Number: who.Number, Name: who.Name, BirthDate: who.BirthDate,
			Proof: n.Proof, ProofExpires: n.ProofExpires, Consent: n.Consent})
		if err != nil {
			return err
		}
		linked, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
		if err == nil {
			made.Store(linked.ID, true)
		}
		return err
	case 2: // unlinked again
		link, err := l.ActiveByAccount(ctx, n.Account)
		if err != nil {
			return err
		}
		if err := l.Unlink(ctx, link.ID, "test", "staff"); err != nil {
			return err
		}
		ended.Add(1)
		return nil
	case 3, 4, 5: // flow A
		n.Citizen.Provider, n.Citizen.Subject, n.Method = "", "", ledger.MethodMatch
	}
	link, err := l.Link(ctx, n)
	if err == nil {
		made.Store(link.ID, true)
	}
	return err
}
