package ledger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

func config(path string) ledger.Config {
	return ledger.Config{
		URL:      ledgerURL(path),
		Keys:     [][]byte{key(1)},
		IndexKey: key(9),
		FeedPoll: 5 * time.Millisecond,
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func open(t testing.TB, c ledger.Config) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

func openNew(t testing.TB) *ledger.Ledger {
	t.Helper()
	return open(t, config(tempFile(t)))
}

// clock moves only when told, or by step at each reading.
type clock struct{ at, step atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.at.Add(c.step.Load())) }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Milliseconds()) }

func number(t testing.TB, i int) identity.CitizenNumber {
	t.Helper()
	n, err := identity.VouchedCitizenNumber(fmt.Sprintf("0990%08d", i))
	require.NoError(t, err)
	return n
}

// person is an invented citizen as the provider vouches for them.
func person(t testing.TB, i int) identity.Citizen {
	return identity.Citizen{
		Provider: "vneid", Subject: fmt.Sprintf("subject-%d", i), Number: number(t, i),
		Name: "Trần Thị Thử", BirthDate: identity.BirthDate{Year: 1990, Month: 2, Day: 3},
	}
}

// matched is the same citizen in flow A: no provider has spoken yet.
func matched(t testing.TB, i int) identity.Citizen {
	c := person(t, i)
	c.Provider, c.Subject = "", ""
	return c
}

var proofs atomic.Int64

func freshProof() []byte { return fmt.Appendf(nil, "proof-%d", proofs.Add(1)) }

func newLink(account string, c identity.Citizen) ledger.NewLink {
	return ledger.NewLink{
		Account: identity.AccountID(account), Kind: identity.KindCitizen, Citizen: c,
		Method: ledger.MethodCredential, Strength: ledger.Strong,
		Proof: freshProof(), ProofExpires: time.Now().Add(time.Hour),
		Consent: ledger.Consent{Version: "2026-11", Language: "vi"},
		Source:  netip.MustParseAddrPort("192.0.2.7:40000"),
	}
}

func mustLink(t testing.TB, l *ledger.Ledger, account string, c identity.Citizen) ledger.Link {
	t.Helper()
	link, err := l.Link(context.Background(), newLink(account, c))
	require.NoError(t, err)
	return link
}

func TestOpenRefusesBadConfiguration(t *testing.T) {
	onlySQLite(t)
	dir := t.TempDir()
	for name, change := range map[string]func(*ledger.Config){
		"no key":          func(c *ledger.Config) { c.Keys = nil },
		"short key":       func(c *ledger.Config) { c.Keys = [][]byte{key(1)[:31]} },
		"same key twice":  func(c *ledger.Config) { c.Keys = [][]byte{key(1), key(1)} },
		"no index key":    func(c *ledger.Config) { c.IndexKey = nil },
		"no URL":          func(c *ledger.Config) { c.URL = "" },
		"other database":  func(c *ledger.Config) { c.URL = "mysql://user:geheim@host/db" },
		"host in URL":     func(c *ledger.Config) { c.URL = "sqlite://host/x.db" },
		"query in URL":    func(c *ledger.Config) { c.URL += "?_pragma=synchronous(0)" },
		"no directory":    func(c *ledger.Config) { c.URL = "sqlite://" + dir + "/absent/x.db" },
		"directory as it": func(c *ledger.Config) { c.URL = "sqlite://" + dir },
		"trailing slash":  func(c *ledger.Config) { c.URL = "sqlite://" + dir + "/" },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(filepath.Join(dir, "ledger.db"))
			change(&c)
			l, err := ledger.Open(context.Background(), c)
			require.Error(t, err)
			assert.Nil(t, l)
			assert.NotContains(t, err.Error(), "geheim")
		})
	}
}

func TestOpenReadsBothKindsOfURL(t *testing.T) {
	onlySQLite(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("a b?c%", 0o700))
	for _, ledgerURL := range []string{"sqlite:relative.db", "sqlite:a%20b%3Fc%25/relative.db"} {
		c := config("unused")
		c.URL = ledgerURL
		require.NoError(t, open(t, c).Ping(context.Background()))
	}
	assert.FileExists(t, "relative.db")
	assert.FileExists(t, "a b?c%/relative.db")
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	onlySQLite(t)
	path := tempFile(t)
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.NoError(t, open(t, config(path)).Ping(context.Background()))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

func TestManyProcessesOpenANewLedgerAtOnce(t *testing.T) {
	c := config(tempFile(t))
	if onPostgres() {
		c = config(tempDatabase(t, "template1"))
	}
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			l, err := ledger.Open(context.Background(), c)
			if errs[i] = err; err == nil {
				errs[i] = l.Close()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		assert.NoError(t, err)
	}
}

func TestDurabilitySettings(t *testing.T) {
	onlySQLite(t)
	l := openNew(t)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "busy_timeout": "5000",
	} {
		got, err := l.WriterPragma(pragma)
		require.NoError(t, err)
		assert.Equal(t, want, got, pragma)
	}
}

func TestPingFailsWhereNothingCanBeWritten(t *testing.T) {
	path := tempFile(t)
	l := open(t, config(path))
	require.NoError(t, l.Ping(context.Background()))

	blocker := rawSQL(t, path)
	conn, err := blocker.Conn(context.Background())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	block := "BEGIN IMMEDIATE"
	if onPostgres() {
		block = "BEGIN; LOCK TABLE meta"
	}
	_, err = conn.ExecContext(context.Background(), block)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, l.Ping(ctx), ledger.ErrUnavailable)

	_, err = conn.ExecContext(context.Background(), "ROLLBACK")
	require.NoError(t, err)
	assert.NoError(t, l.Ping(context.Background()))
}

func TestKeyRotation(t *testing.T) {
	path := tempFile(t)
	old := config(path)
	l, err := ledger.Open(context.Background(), old)
	require.NoError(t, err)
	mustLink(t, l, "lan", person(t, 1))
	require.NoError(t, l.Close())

	rotated := config(path)
	rotated.Keys = [][]byte{key(2), key(1)}
	l, err = ledger.Open(context.Background(), rotated)
	require.NoError(t, err)
	mustLink(t, l, "huy", person(t, 2))
	link, err := l.ActiveByAccount(context.Background(), "lan")
	require.NoError(t, err, "a row sealed under the older key")
	assert.Equal(t, number(t, 1), link.Number)
	require.NoError(t, l.Close())

	for name, keys := range map[string][][]byte{"old only": {key(1)}, "new only": {key(2)}, "neither": {key(3)}} {
		c := config(path)
		c.Keys = keys
		_, err := ledger.Open(context.Background(), c)
		require.ErrorIs(t, err, ledger.ErrKey, name)
		for _, fill := range []byte{1, 2} {
			assert.NotContains(t, err.Error(), hex.EncodeToString(key(fill)))
			assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString(key(fill)))
		}
	}
	c := config(path)
	c.Keys = [][]byte{key(2)}
	_, err = ledger.Open(context.Background(), c)
	assert.ErrorContains(t, err, "7545577c", "the id of the absent key: 8 hex of SHA-256 over \"id\" and the key")

	c = rotated
	c.IndexKey = key(8)
	_, err = ledger.Open(context.Background(), c)
	assert.ErrorIs(t, err, ledger.ErrKey, "another index key would find nobody")
}

func TestSealedValueDoesNotMoveToAnotherRow(t *testing.T) {
	path := tempFile(t)
	l := open(t, config(path))
	mustLink(t, l, "lan", person(t, 1))
	mustLink(t, l, "huy", person(t, 2))
	_, err := rawSQL(t, path).Exec("UPDATE links SET sealed = (SELECT sealed FROM links ORDER BY since LIMIT 1)")
	require.NoError(t, err)
	_, errLan := l.ActiveByAccount(context.Background(), "lan")
	_, errHuy := l.ActiveByAccount(context.Background(), "huy")
	assert.True(t, (errLan == nil) != (errHuy == nil), "one of the two rows now holds the other's account: %v, %v", errLan, errHuy)
}

func TestNothingPersonalInClear(t *testing.T) {
	onlySQLite(t)
	ctx := context.Background()
	path := tempFile(t)
	l, err := ledger.Open(ctx, config(path))
	require.NoError(t, err)
	secrets := []string{
		"tai-khoan-bi-mat", "099087654321", "Nguyễn Thị Ẩn Danh", "1987-06-05", `"Year":1987`,
		"chu-the-bi-mat", "sid-bi-mat", "phien-bi-mat-16b", "bang-chung-bi-mat", "203.0.113.77", "can-bo-bi-mat",
		"ly-do-bi-mat", "khoa-bi-mat", "tai-khoan-hoan",
		"tai-khoan-cho", "099012349876", "Phạm Văn Chờ", "tai-khoan-mien", "duoc-mien-vi-bi-mat",
	}
	cccd, err := identity.VouchedCitizenNumber(secrets[1])
	require.NoError(t, err)
	soon := time.Now().Add(time.Hour)
	n := newLink(secrets[0], identity.Citizen{Provider: "vneid", Subject: secrets[5], Number: cccd,
		Name: secrets[2], BirthDate: identity.BirthDate{Year: 1987, Month: 6, Day: 5}})
	n.Proof, n.Source = []byte(secrets[8]), netip.MustParseAddrPort("203.0.113.77:5000")
	n.Consent.Version = "canary-in-clear"
	_, err = l.Skip(ctx, identity.AccountID(secrets[0]), n.Kind, freshProof(), soon, n.Source)
	require.NoError(t, err)
	_, err = l.Skip(ctx, identity.AccountID(secrets[13]), n.Kind, freshProof(), soon, n.Source)
	require.NoError(t, err)
	link, err := l.Link(ctx, n)
	require.NoError(t, err)
	require.NoError(t, l.MarkProviderUsed(ctx, n.Account))
	require.NoError(t, l.EndSession(ctx, []byte(secrets[7]), soon))
	require.NoError(t, l.EndSessionsBySID(ctx, "vneid", secrets[6], soon))
	require.NoError(t, l.EndSessionsOfSubject(ctx, "vneid", secrets[5], soon, soon))
	require.NoError(t, l.EndSessionsOfAccount(ctx, n.Account, soon, soon))
	require.NoError(t, l.AccountChanged(ctx, n.Account, soon, soon))
	_, _, err = l.Raise(ctx, "account", []byte(secrets[0]), time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Spend(ctx, ledger.PurposeState, []byte(secrets[8]), soon))
	require.NoError(t, l.PutSecret(ctx, []byte(secrets[12]), []byte("sealed by the caller"), soon))
	require.NoError(t, l.Audit(ctx, ledger.Event{Name: "looked_at", Actor: secrets[10], Account: n.Account,
		CitizenID: link.CitizenID, Source: n.Source, Detail: map[string]string{"number": secrets[1], "name": secrets[2]}}))
	require.NoError(t, l.Unlink(ctx, link.ID, secrets[11], secrets[10]))
	waiting := newPending(secrets[14], 0)
	waiting.Number, err = identity.VouchedCitizenNumber(secrets[15])
	require.NoError(t, err)
	waiting.Name, waiting.BirthDate, waiting.Source = secrets[16], n.Citizen.BirthDate, n.Source
	for range 2 { // answered; the third stays open
		asked, err := l.AddPending(ctx, waiting)
		require.NoError(t, err)
		_, err = l.AnswerPending(ctx, asked.ID, false, "")
		require.NoError(t, err)
		waiting.Proof = freshProof()
	}
	_, err = l.AddPending(ctx, waiting)
	require.NoError(t, err)
	require.NoError(t, l.Exempt(ctx, ledger.Exemption{Account: identity.AccountID(secrets[17]), Reason: secrets[18], Approver: secrets[10], Until: soon}))
	_, err = l.SealAudit(ctx)
	require.NoError(t, err)

	look := func(suffixes ...string) {
		canary := false
		for _, suffix := range suffixes {
			content, err := os.ReadFile(path + suffix)
			require.NoError(t, err)
			canary = canary || bytes.Contains(content, []byte("canary-in-clear"))
			for _, secret := range secrets {
				for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
					assert.False(t, bytes.Contains(content, []byte(form)), "%q in %q", form, suffix)
				}
			}
		}
		assert.True(t, canary, "what is in clear is found, so what is personal would be")
	}
	look("", "-wal", "-shm")
	require.NoError(t, l.Close())
	look("")
}

func TestPseudonym(t *testing.T) {
	l := openNew(t)
	a := l.Pseudonym("account", "lan")
	assert.Regexp(t, "^[0-9a-f]{16}$", a)
	assert.Equal(t, a, l.Pseudonym("account", "lan"))
	assert.NotEqual(t, a, l.Pseudonym("citizen", "lan"))
	assert.NotEqual(t, l.Pseudonym("ab", "c"), l.Pseudonym("a", "bc"), "parts do not run together")
	other := config(tempFile(t))
	other.IndexKey = key(8)
	assert.NotEqual(t, a, open(t, other).Pseudonym("account", "lan"))
}

func TestFaultsOfStorageSaySo(t *testing.T) {
	l, err := ledger.Open(context.Background(), config(tempFile(t)))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = l.ActiveByAccount(context.Background(), "lan")
	assert.ErrorIs(t, err, ledger.ErrUnavailable)
	_, err = l.Link(context.Background(), newLink("lan", person(t, 1)))
	assert.ErrorIs(t, err, ledger.ErrUnavailable)
	_, err = l.Feed(context.Background())
	assert.ErrorIs(t, err, ledger.ErrUnavailable)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = openNew(t).Ping(ctx)
	assert.ErrorIs(t, err, ledger.ErrUnavailable)
	assert.ErrorIs(t, err, context.Canceled)
}
