package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// twins are pairs of citizens with one name and one birth date, and per pair
// one account, so that either could prove that it is theirs.
func twins(pairs int) (people []vneidtest.Persona, accounts []vneidtest.PortalAccount) {
	for pair := range pairs {
		account := vneidtest.PortalAccount{
			ID: fmt.Sprintf("tk-9%02d", pair), Username: fmt.Sprintf("doi%02d", pair), Password: "cong-doi-9001",
			Name: "Đỗ Thị Song Sinh", BirthDate: "1990-02-14", IDCardNumber: fmt.Sprintf("9901900%02d", pair),
		}
		accounts = append(accounts, account)
		for _, twin := range []int{1, 2} {
			number := fmt.Sprintf("0991900%02d%d70", pair, twin)
			people = append(people, vneidtest.Persona{
				Key: fmt.Sprintf("twin-%d-%d", pair, twin), Name: account.Name, BirthDate: account.BirthDate,
				CitizenNumber: number, AccountLevel: 2,
				VNeID: vneidtest.VNeIDLogin{Username: number, Password: "vneid-doi-9002", Subject: "subject-" + number},
			})
		}
	}
	return people, accounts
}

// together runs both at the same moment and returns what came of them.
func together(first, second func() page) [2]page {
	start, done := make(chan struct{}), make(chan struct{})
	var got [2]page
	go func() {
		defer close(done)
		<-start
		got[1] = second()
	}()
	close(start)
	got[0] = first()
	<-done
	return got
}

const pairs = 6

func TestTwoBrowsersLinkOneAccount(t *testing.T) { onBothWires(t, journeyTwoBrowsersLinkOneAccount) }

func journeyTwoBrowsersLinkOneAccount(t *testing.T, w wire) {
	people, accounts := twins(2 * pairs)
	r := newRig(t, rigWorld{wire: w, people: people, accounts: accounts})

	// judge holds what both were told against what the ledger holds.
	judge := func(t *testing.T, account vneidtest.PortalAccount, browsers [2]*person, got [2]page, numbers [2]string) {
		links := r.links(account.ID)
		require.Len(t, links, 1, "one link")
		winners := 0
		for i, answer := range got {
			if answer.status == http.StatusSeeOther {
				winners++
				assert.Equal(t, numbers[i], links[0].Number.Reveal(), "who was told yes is who is linked")
				assert.Equal(t, http.StatusOK, browsers[i].program("/ping").status)
				continue
			}
			switch answer.title() {
			case titleConflict: // both were about to write
				assert.Equal(t, http.StatusForbidden, answer.status)
			case titleProve: // the other had written before the password was judged
				assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
				assert.Contains(t, answer.body, "hoặc tài khoản không dùng được cách này")
			default:
				assert.Fail(t, "no page that says so", "%d %s", answer.status, answer.title())
			}
			assert.NotContains(t, browsers[i].cookies(), "vneid_session")
			assert.Equal(t, http.StatusUnauthorized, browsers[i].program("/ping").status)
		}
		assert.Equal(t, 1, winners, "one winner")
	}

	for pair := range pairs {
		t.Run(fmt.Sprintf("by VNeID/%d", pair), func(t *testing.T) {
			account := accounts[pair]
			one, other := people[2*pair], people[2*pair+1]
			browsers := [2]*person{r.person(t), r.person(t)}
			at := [2]page{browsers[0].vneid(browsers[0].visit("/"), one.Key), browsers[1].vneid(browsers[1].visit("/"), other.Key)}
			link := func(i int) func() page {
				return func() page {
					return browsers[i].submit(at[i], "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
				}
			}
			judge(t, account, browsers, together(link(0), link(1)), [2]string{one.CitizenNumber, other.CitizenNumber})
		})
		t.Run(fmt.Sprintf("by the portal's account/%d", pair), func(t *testing.T) {
			account := accounts[pairs+pair]
			one, other := people[2*(pairs+pair)], people[2*(pairs+pair)+1]
			browsers := [2]*person{r.person(t), r.person(t)}
			at := [2]page{browsers[0].atPortal(browsers[0].visit("/"), account), browsers[1].atPortal(browsers[1].visit("/"), account)}
			link := func(i int, number string) func() page {
				return func() page {
					return browsers[i].submit(at[i], "/link/update", "citizen_number", number, "consent", "yes")
				}
			}
			judge(t, account, browsers, together(link(0, one.CitizenNumber), link(1, other.CitizenNumber)),
				[2]string{one.CitizenNumber, other.CitizenNumber})
		})
	}
}

// The same without the race: whoever typed another number than the one that is
// linked by now is not told yes.
func TestAnotherNumberThanTheLinkedOne(t *testing.T) {
	t.Parallel()
	people, accounts := twins(1)
	r := newRig(t, rigWorld{people: people, accounts: accounts})
	first, second := r.person(t), r.person(t)
	at := second.atPortal(second.visit("/"), accounts[0])
	linked := first.submit(first.atPortal(first.visit("/"), accounts[0]), "/link/update", "citizen_number", people[0].CitizenNumber, "consent", "yes")
	require.Equal(t, http.StatusSeeOther, linked.status)
	answer := second.submit(at, "/link/update", "citizen_number", people[1].CitizenNumber, "consent", "yes")
	assert.Equal(t, http.StatusForbidden, answer.status)
	assert.Equal(t, titleConflict, answer.title())
	assert.NotContains(t, second.cookies(), "vneid_session")
	assert.Equal(t, people[0].CitizenNumber, r.links(accounts[0].ID)[0].Number.Reveal())
}

// One person at two browsers at once: both are let in, there is one link.
func TestOneCitizenAtTwoBrowsers(t *testing.T) { onBothWires(t, journeyOneCitizenAtTwoBrowsers) }

func journeyOneCitizenAtTwoBrowsers(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	t.Run("one account", func(t *testing.T) {
		who := r.persona("cmnd")
		account := who.Accounts[0]
		one, other := r.person(t), r.person(t)
		byVNeID := one.vneid(one.visit(wanted), "cmnd")
		byPortal := other.atPortal(other.visit(wanted), account)
		got := together(func() page {
			return one.submit(byVNeID, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
		}, func() page {
			return other.submit(byPortal, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes")
		})
		require.Len(t, r.links(account.ID), 1)
		one.landed(one.follow(got[0]), account, &who, "linked")
		// The old account alone is too late once VNeID has been used.
		if got[1].status != http.StatusSeeOther {
			assert.Contains(t, []string{titleLinked, titleConflict}, got[1].title(), got[1].body)
		}
	})
	t.Run("two accounts", func(t *testing.T) {
		who := r.persona("two")
		one, other := r.person(t), r.person(t)
		at := [2]page{one.vneid(one.visit("/"), "two"), other.vneid(other.visit("/"), "two")}
		got := together(func() page {
			return one.submit(at[0], "/link/choose", "account", at[0].choices()[0], "consent", "yes")
		}, func() page {
			return other.submit(at[1], "/link/choose", "account", at[1].choices()[1], "consent", "yes")
		})
		assert.Equal(t, http.StatusSeeOther, got[0].status, got[0].body)
		assert.Equal(t, http.StatusSeeOther, got[1].status, got[1].body)
		links := r.links(who.Accounts[0].ID)
		require.Len(t, links, 2)
		assert.True(t, links[0].Default)
		assert.False(t, links[1].Default)
	})
}

// TestSkippingWhileAnotherBrowserLinks: whichever is first, both go on, and
// nobody is told of an outage that is none.
func TestSkippingWhileAnotherBrowserLinks(t *testing.T) {
	t.Parallel()
	const rounds = 12
	people, accounts := twins(rounds)
	for i := range accounts {
		people[2*i].Accounts = accounts[i : i+1]
	}
	r := newRig(t, rigWorld{people: people})
	for i, account := range accounts {
		links, skips := r.person(t), r.person(t)
		here, there := links.atPortal(links.visit(wanted), account), skips.atPortal(skips.visit(wanted), account)
		got := together(func() page {
			return links.submit(here, "/link/update", "citizen_number", people[2*i].CitizenNumber, "consent", "yes")
		}, func() page { return skips.submit(there, "/link/skip") })
		for _, answer := range got {
			assert.Equal(t, http.StatusSeeOther, answer.status, answer.title())
		}
		require.Len(t, r.links(account.ID), 1)
		for _, p := range []*person{links, skips} {
			assert.Equal(t, http.StatusOK, p.visit(wanted).status, "the one who skipped reads the link at the next request")
		}
	}
}
