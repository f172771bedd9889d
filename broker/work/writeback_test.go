package work_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/work"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// told is the simulated portal's directory in the words of the work. before,
// if set, is called between an account's being read and being written to;
// writes counts what got through.
type told struct {
	*directory.HTTP
	before func(identity.AccountID)
	writes atomic.Int64
}

func (d *told) Versioned(ctx context.Context, id identity.AccountID) (identity.Account, string, error) {
	account, version, err := d.HTTP.Versioned(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		err = work.ErrNoAccount
	}
	return account, version, err
}

func (d *told) WriteCitizenNumber(ctx context.Context, id identity.AccountID, n identity.CitizenNumber, version string) error {
	if d.before != nil {
		d.before(id)
	}
	err := d.HTTP.WriteCitizenNumber(ctx, id, n, version)
	if errors.Is(err, directory.ErrChanged) {
		return work.ErrChanged
	}
	if err == nil {
		d.writes.Add(1)
	}
	return err
}

// newWriting is a rig whose portal has accounts tai-khoan-0 to -3, without a
// number.
func newWriting(t *testing.T) (*rig, *vneidtest.Portal, *told) {
	r := newRig(t)
	var accounts []vneidtest.PortalAccount
	for i := range 4 {
		accounts = append(accounts, vneidtest.PortalAccount{ID: fmt.Sprintf("tai-khoan-%d", i), Username: fmt.Sprintf("ten-%d", i)})
	}
	portal, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: "secret", Personas: []vneidtest.Persona{}, Accounts: accounts})
	require.NoError(t, err)
	server := httptest.NewServer(portal)
	t.Cleanup(server.Close)
	over, err := directory.NewHTTP(directory.HTTPConfig{URL: server.URL + "/api/directory", Token: "secret"})
	require.NoError(t, err)
	d := &told{HTTP: over}
	r.config.Directory = d
	return r, portal, d
}

func (r *rig) link(t *testing.T, i int) ledger.Link {
	t.Helper()
	n, err := identity.VouchedCitizenNumber(fmt.Sprintf("0990%08d", i))
	require.NoError(t, err)
	link, err := r.ledger.Link(context.Background(), ledger.NewLink{
		Account: identity.AccountID(fmt.Sprintf("tai-khoan-%d", i)), Kind: identity.KindCitizen,
		Citizen: identity.Citizen{Number: n, Name: "Trần Thị Thử", BirthDate: born}, Method: ledger.MethodMatch, Strength: ledger.Strong,
		Proof: fmt.Appendf(nil, "link-%d", i), ProofExpires: time.Now().Add(time.Hour), Consent: ledger.Consent{Version: "2026-11", Language: "vi"},
	})
	require.NoError(t, err)
	return link
}

// closed waits until no write-back is open.
func (r *rig) closed(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		backlog, err := r.ledger.Backlog(context.Background())
		return err == nil && backlog.WriteBacks == 0
	}, 20*time.Second, time.Millisecond)
}

// ended is how often write-backs were closed with an outcome, by the metric,
// and in all by the audit.
func (r *rig) ended(t *testing.T, outcome string, times, audited int) {
	t.Helper()
	line := fmt.Sprintf("vneid_proxy_write_backs_total{outcome=%q} %d\n", outcome, times)
	assert.Contains(t, r.scrape(), line)
	report, err := r.ledger.VerifyAudit(context.Background())
	require.NoError(t, err)
	assert.True(t, report.Whole(), report.Reason)
	assert.Equal(t, audited, r.rows(t, "SELECT COUNT(*) FROM audit WHERE event = 'write_back_closed'"))
}

func (r *rig) rows(t *testing.T, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+r.path+"?_busy_timeout=5000")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRow(query).Scan(&n))
	return n
}

// holds reports whether the directory has the link's number, verified.
func holds(t *testing.T, d *told, link ledger.Link) bool {
	t.Helper()
	account, err := d.ByID(context.Background(), link.Account)
	require.NoError(t, err)
	return account.NumberVerified && account.Number == link.Number
}

func TestALinkIsWrittenBackOnceTheDirectoryIsUp(t *testing.T) {
	for _, knob := range []string{"directory_down", "directory_garbage", "write_back_down", "write_back_garbage"} {
		t.Run(knob, func(t *testing.T) {
			r, portal, d := newWriting(t)
			require.NoError(t, portal.Set(knob, "on"))
			links := []ledger.Link{r.link(t, 0), r.link(t, 1)}
			stop := r.run(t)
			require.Eventually(t, func() bool {
				return strings.Count(r.scrape(), `vneid_proxy_write_backs_total{outcome="unanswered"}`) == 1 &&
					!strings.Contains(r.scrape(), "vneid_proxy_write_back_age_seconds 0\n")
			}, 10*time.Second, time.Millisecond)
			backlog, err := r.ledger.Backlog(context.Background())
			require.NoError(t, err)
			assert.Equal(t, 2, backlog.WriteBacks)

			require.NoError(t, portal.Set(knob, "off"))
			r.closed(t)
			require.Eventually(t, func() bool {
				return strings.Contains(r.scrape(), "vneid_proxy_write_back_age_seconds 0\n")
			}, 10*time.Second, time.Millisecond)
			stop()
			for _, link := range links {
				assert.True(t, holds(t, d, link))
			}
			r.ended(t, "written", 2, 2)
			assert.NotContains(t, r.log.String(), "tai-khoan")
			assert.NotContains(t, r.log.String(), "0990")
		})
	}
}

func TestAnAccountThatChangesIsReadAnew(t *testing.T) {
	r, portal, d := newWriting(t)
	var tries atomic.Int64
	d.before = func(identity.AccountID) {
		if tries.Add(1) == 3 {
			assert.NoError(t, portal.Set("write_back_changed", "off"))
		}
	}
	require.NoError(t, portal.Set("write_back_changed", "on"))
	link := r.link(t, 0)
	stop := r.run(t)
	r.closed(t)
	stop()
	assert.True(t, holds(t, d, link))
	r.ended(t, "written", 1, 1)
	assert.Contains(t, r.scrape(), `vneid_proxy_write_backs_total{outcome="changed"} 2`)
	assert.NotContains(t, r.scrape(), `outcome="unanswered"`)
}

// An account that is edited all the time does not keep the others waiting.
func TestAnAccountThatChangesHoldsUpNobody(t *testing.T) {
	r, portal, d := newWriting(t)
	r.config.Retry = time.Hour
	r.config.RetryMost = time.Hour
	d.before = func(id identity.AccountID) {
		state := "off"
		if id == "tai-khoan-0" {
			state = "on"
		}
		assert.NoError(t, portal.Set("write_back_changed", state))
	}
	r.link(t, 0)
	other := r.link(t, 1)
	r.run(t)
	require.Eventually(t, func() bool { return holds(t, d, other) }, 10*time.Second, time.Millisecond)
}

func TestTwoReplicasWriteBackOnce(t *testing.T) {
	r, _, d := newWriting(t)
	r.config.Lease = time.Nanosecond // leases that hold nobody back
	links := []ledger.Link{r.link(t, 0), r.link(t, 1), r.link(t, 2), r.link(t, 3)}
	first, second := r.run(t), r.run(t)
	r.closed(t)
	first()
	second()
	for _, link := range links {
		assert.True(t, holds(t, d, link))
	}
	assert.Equal(t, 4, r.rows(t, "SELECT COUNT(*) FROM audit WHERE event = 'write_back_closed'"), "no double audit")
}

// forgetful is a ledger of a process that is killed between the write and its
// record.
type forgetful struct {
	*ledger.Ledger
	killed, over chan struct{}
}

func (f forgetful) CloseWriteBack(context.Context, string, ledger.WriteBackOutcome) (ledger.WriteBack, error) {
	close(f.killed)
	<-f.over
	return ledger.WriteBack{}, errors.New("dead")
}

func TestKilledBetweenTheWriteAndItsRecord(t *testing.T) {
	r, _, d := newWriting(t)
	link := r.link(t, 0)
	alive := r.config
	dead := forgetful{r.ledger, make(chan struct{}), make(chan struct{})}
	r.config.Ledger, r.config.Lease = dead, time.Millisecond
	r.run(t)
	t.Cleanup(func() { close(dead.over) })
	<-dead.killed
	assert.True(t, holds(t, d, link))

	r.config = alive
	stop := r.run(t)
	r.closed(t)
	stop()
	assert.EqualValues(t, 1, d.writes.Load())
	r.ended(t, "there", 1, 1)
}

func TestALinkThatEndedIsNotWrittenBack(t *testing.T) {
	r, portal, d := newWriting(t)
	first := r.link(t, 0)
	require.NoError(t, r.ledger.Unlink(context.Background(), first.ID, "by_staff", "staff"))
	stop := r.run(t)
	r.closed(t)
	stop()
	assert.False(t, holds(t, d, first))
	assert.Zero(t, portal.Calls("write_back"))
	r.ended(t, "dropped", 1, 1)
}

func TestTheDirectoryKnowsBetter(t *testing.T) {
	r, _, d := newWriting(t)
	other, err := identity.VouchedCitizenNumber("099300000001")
	require.NoError(t, err)
	_, version, err := d.Versioned(context.Background(), "tai-khoan-0")
	require.NoError(t, err)
	require.NoError(t, d.HTTP.WriteCitizenNumber(context.Background(), "tai-khoan-0", other, version))
	verified, unknown, fine := r.link(t, 0), r.link(t, 4), r.link(t, 1)
	stop := r.run(t)
	r.closed(t)
	stop()
	assert.False(t, holds(t, d, verified), "another verified number stays")
	assert.True(t, holds(t, d, fine))
	r.ended(t, "refused", 2, 3)
	waiting, err := r.ledger.Reviews(context.Background(), 10)
	require.NoError(t, err)
	var accounts []identity.AccountID
	for _, review := range waiting {
		accounts = append(accounts, review.Account)
		assert.Contains(t, r.log.String(), review.Reference, "the code is in the log")
	}
	slices.Sort(accounts)
	assert.Equal(t, []identity.AccountID{verified.Account, unknown.Account}, accounts)
}

// A number that the directory marked as verified by itself needs no write.
func TestWhatStandsThereIsNotWritten(t *testing.T) {
	r, portal, d := newWriting(t)
	link := r.link(t, 0)
	_, version, err := d.Versioned(context.Background(), link.Account)
	require.NoError(t, err)
	require.NoError(t, d.HTTP.WriteCitizenNumber(context.Background(), link.Account, link.Number, version))
	calls := portal.Calls("write_back")
	stop := r.run(t)
	r.closed(t)
	stop()
	assert.Equal(t, calls, portal.Calls("write_back"))
	r.ended(t, "there", 1, 1)
}

func TestStoppingUnderWayGivesTheWriteBackBack(t *testing.T) {
	r, portal, _ := newWriting(t)
	link := r.link(t, 0)
	require.NoError(t, portal.Set("directory_slow", "1h"))
	stop := r.run(t)
	require.Eventually(t, func() bool { return portal.Calls("directory") == 1 }, 10*time.Second, time.Millisecond)
	stop()
	claimed, err := r.ledger.ClaimWriteBack(context.Background(), time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "at once, not after the lease")
	assert.Equal(t, link.ID, claimed[0].ID)
	assert.False(t, bytes.Contains(r.log.Bytes(), []byte("no answer")))
}

func TestWithoutADirectoryNothingIsWritten(t *testing.T) {
	r, portal, _ := newWriting(t)
	r.config.Directory = nil
	r.link(t, 0)
	var turns atomic.Int64
	r.config.Ledger = counting{r.ledger, &turns}
	stop := r.run(t)
	require.Eventually(t, func() bool { return turns.Load() > 5 }, 10*time.Second, time.Millisecond)
	stop()
	assert.Zero(t, portal.Calls("directory")+portal.Calls("write_back"))
	assert.Contains(t, r.scrape(), "vneid_proxy_write_back_age_seconds 0\n")
}
