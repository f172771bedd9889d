package main

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

const titlePending = "Đang chờ xác nhận"

// awaits types a number while the population database is down, and goes on
// from the page that says so.
func (p *person) awaits(at page, number string) page {
	p.t.Helper()
	require.Equal(p.t, titleLink, at.title())
	answer := p.submit(at, "/link/update", "citizen_number", number, "consent", "yes")
	require.Equal(p.t, http.StatusSeeOther, answer.status, answer.body)
	answer = p.follow(answer)
	require.Equal(p.t, titlePending, answer.title())
	assert.Contains(p.t, answer.body, "*********"+number[9:])
	assert.NotContains(p.t, answer.body, number)
	return answer
}

// eventually asks for a page until it has the title: the check is answered
// beside requests.
func (p *person) eventually(path, title string) (at page) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { at = p.visit(path); return at.title() == title }, time.Minute, 50*time.Millisecond, title)
	return at
}

// beside reads the ledger beside the running product.
func (r *rig) beside(read func(*ledger.Ledger)) {
	r.t.Helper()
	l, err := ledger.Open(r.t.Context(), ledger.Config{URL: r.env["LEDGER_URL"], Keys: [][]byte{rigKey(2)}, IndexKey: rigKey(3)})
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, l.Close()) }()
	read(l)
}

// reviews are what waits for staff.
func (r *rig) reviews() (waiting []ledger.Review) {
	r.t.Helper()
	r.beside(func(l *ledger.Ledger) {
		var err error
		waiting, err = l.Reviews(r.t.Context(), 100)
		require.NoError(r.t, err)
	})
	return waiting
}

// TestPopulationDownIsPending: whatever way the database fails, the person goes
// on to the page first asked for, nothing is used up, and the link is made once
// the database answers.
func TestPopulationDownIsPending(t *testing.T) {
	t.Parallel()
	for fault, value := range faults() {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{env: patience(fault)})
			who := r.persona("cmnd")
			account := who.Accounts[0]
			p := r.person(t)
			at := p.atPortal(p.visit(wanted), account)
			require.NoError(t, r.population.Set("match_"+fault, value))
			at = p.awaits(at, who.CitizenNumber)
			p.landed(p.visit(at.link("/ho-so")), account, nil, "pending")
			require.Empty(t, r.links(account.ID), "nothing is linked")
			r.beside(func(l *ledger.Ledger) {
				skips, err := l.Skips(t.Context(), identity.AccountID(account.ID))
				require.NoError(t, err)
				assert.Zero(t, skips, "no skip is used up")
			})
			again := r.person(t)
			again.landed(again.atPortal(again.visit(wanted), account), account, nil, "pending")

			require.NoError(t, r.population.Set("match_"+fault, ""))
			r.restart(map[string]string{"CALL_TIMEOUT": "20s"}) // forgets the pause, not the check
			require.Eventually(t, func() bool { return len(r.links(account.ID)) == 1 }, time.Minute, 50*time.Millisecond)
			for _, browser := range []*person{p, again} {
				require.Eventually(t, func() bool {
					return browser.visit(wanted).status == http.StatusOK && r.last().Header.Get("X-Identity-Standing") == "linked"
				}, time.Minute, 50*time.Millisecond, "the session reads its standing anew, without a question")
				browser.forwarded(account, matched(who, account), "linked")
			}
		})
	}
}

func (r *rig) last() vneidtest.Received {
	requests := r.portal.Requests()
	require.NotEmpty(r.t, requests)
	return requests[len(requests)-1]
}

var referenceCode = regexp.MustCompile("[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}")

// TestPendingAnsweredNo: the person is asked again at their next request, with
// a code that leads staff to the case, and links with the right number.
func TestPendingAnsweredNo(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who, other := r.persona("cmnd"), r.persona("two")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.NoError(t, r.population.Set("match_down", "on"))
	p.visit(p.awaits(at, other.CitizenNumber).link("/ho-so"))
	require.NoError(t, r.population.Set("match_down", ""))
	r.restart(nil)
	at = p.eventually(wanted, titleLink)
	assert.Contains(t, at.body, "Lần kiểm tra trước")
	code := referenceCode.FindString(at.body)
	require.NotEmpty(t, code)
	waiting := r.reviews()
	require.Len(t, waiting, 1)
	assert.Equal(t, code, waiting[0].Reference)
	assert.Equal(t, other.CitizenNumber, waiting[0].Citizen.Number.Reveal())
	assert.NotContains(t, at.body, other.Name, "nothing of whose number it is")

	at = p.submit(at, "/link/update", "citizen_number", other.CitizenNumber, "consent", "yes")
	assert.Equal(t, http.StatusUnprocessableEntity, at.status)
	assert.Contains(t, at.body, code, "the same case")
	at = p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.landed(at, account, matched(who, account), "linked")
	assert.Empty(t, r.reviews(), "the link settles it")
}

// TestPendingPastTheLastDayOfSkipping: an outage pushes nobody past a deadline.
func TestPendingPastTheLastDayOfSkipping(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"SKIP_UNTIL": day(-1)}})
	who := r.persona("cmnd")
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), who.Accounts[0])
	assert.NotContains(t, at.body, "Bỏ qua</button>")
	turn(t, r.population.Controls, "match_down", "on")
	p.landed(p.visit(p.awaits(at, who.CitizenNumber).link("/ho-so")), who.Accounts[0], nil, "pending")
}

// TestPendingConflict: a number that is linked elsewhere by the time the answer
// comes is for staff, and tells neither side about the other.
func TestPendingConflict(t *testing.T) {
	t.Parallel()
	people := vneidtest.Personas()
	second := vneidtest.PortalAccount{}
	for i := range people {
		if people[i].Key == "cmnd" {
			second = people[i].Accounts[0]
			second.ID, second.Username, second.Password = "tk-2002", "tranvanbinh2", "cong-binh-9999"
			people[i].Accounts = append(people[i].Accounts, second)
		}
	}
	r := newRig(t, rigWorld{people: people})
	who := r.persona("cmnd")
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), second)
	require.NoError(t, r.population.Set("match_down", "on"))
	p.visit(p.awaits(at, who.CitizenNumber).link("/ho-so"))
	first := r.person(t)
	first.follow(first.submit(first.vneid(first.visit(wanted), "cmnd"), "/link/proof",
		"username", who.Accounts[0].Username, "password", who.Accounts[0].Password, "consent", "yes"))
	require.Len(t, r.links(who.Accounts[0].ID), 1)
	require.NoError(t, r.population.Set("match_down", ""))
	r.restart(nil)
	at = p.eventually(wanted, titleLink)
	assert.Contains(t, at.body, "cần được cán bộ kiểm tra")
	assert.NotContains(t, at.body, who.Accounts[0].Username)
	require.Len(t, r.reviews(), 1)
	assert.Equal(t, referenceCode.FindString(at.body), r.reviews()[0].Reference)
	assert.Equal(t, ledger.ReviewConflict, r.reviews()[0].Reason)
	assert.Empty(t, r.links(second.ID))
}

// TestPendingOnTheIdentityPage: whoever waits sees it there, and may send a
// better number.
func TestPendingOnTheIdentityPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who, other := r.persona("cmnd"), r.persona("two")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), account)
	require.NoError(t, r.population.Set("match_down", "on"))
	p.awaits(at, other.CitizenNumber)
	at = p.visit("/_vneid/identity")
	assert.Contains(t, at.body, "đang chờ Cơ sở dữ liệu quốc gia về dân cư xác nhận")
	at = p.follow(p.submit(at, "/identity/update"))
	require.Equal(t, titleLink, at.title())
	assert.Contains(t, at.body, "Một lần cập nhật trước đang chờ")
	still := p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	require.Equal(t, titlePending, still.title())
	assert.Contains(t, still.body, "*********"+other.CitizenNumber[9:], "the check that is open stands")
	require.NoError(t, r.population.Set("match_down", ""))
	require.NoError(t, r.population.Set("match_slow", "")) // the next call is the one that answers
	r.restart(nil)
	at = p.eventually(wanted, titleLink)
	at = p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.landed(at, account, matched(who, account), "linked")
}

// TestExempt: an account that staff have excused is let through without the
// link screen, and may link all the same.
func TestExempt(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"SKIP_UNTIL": day(-1)}})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	r.beside(func(l *ledger.Ledger) {
		require.NoError(t, l.Exempt(t.Context(), ledger.Exemption{Account: identity.AccountID(account.ID),
			Reason: "không có điện thoại thông minh", Approver: "can-bo-1", Until: time.Now().Add(24 * time.Hour)}))
	})
	p := r.person(t)
	p.landed(p.atPortal(p.visit(wanted), account), account, nil, "exempt")
	at := p.follow(p.submit(p.visit("/_vneid/identity"), "/identity/update"))
	require.Equal(t, titleLink, at.title())
	p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.forwarded(account, matched(who, account), "linked")
}

// TestExemptionEnds: a session that an exemption let in is asked for the number
// once staff have ended it.
func TestExemptionEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"SKIP_UNTIL": day(-1)}})
	account := r.persona("cmnd").Accounts[0]
	exempt := func(until time.Time) {
		r.beside(func(l *ledger.Ledger) {
			require.NoError(t, l.Exempt(t.Context(), ledger.Exemption{Account: identity.AccountID(account.ID),
				Reason: "không có điện thoại thông minh", Approver: "can-bo-1", Until: until}))
		})
	}
	exempt(time.Now().Add(time.Hour))
	p := r.person(t)
	require.Equal(t, http.StatusOK, p.atPortal(p.visit(wanted), account).status)
	exempt(time.Now())
	p.eventually(wanted, titleLink)
}
