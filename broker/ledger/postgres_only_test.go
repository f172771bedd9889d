package ledger_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
)

// waiting blocks until that many sessions of the database wait for a lock.
func waiting(t *testing.T, path string, n int) {
	t.Helper()
	db := rawSQL(t, path)
	require.Eventually(t, func() bool {
		var blocked int
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&blocked))
		return blocked == n
	}, time.Minute, 10*time.Millisecond)
}

// A revocation with a lower number that is committed later must not be passed
// over by a feed that has seen the higher one.
func TestRevocationsBecomeVisibleInTheirOrder(t *testing.T) {
	onlyPostgres(t)
	ctx := context.Background()
	path := tempFile(t)
	one, other := open(t, config(path)), open(t, config(path))
	f := feed(t, open(t, config(path)))
	first, second := [16]byte{1}, [16]byte{2}
	until := time.Now().Add(time.Hour)

	held := one.HoldRevocation(ctx, first[:], until)
	done := make(chan error, 1)
	go func() { done <- other.EndSession(ctx, second[:], until) }()
	waiting(t, path, 1) // the second is not to be had before the first
	assert.Equal(t, ledger.Live, f.State(ledger.Ref{SessionID: second}))
	require.NoError(t, held.Release())
	require.NoError(t, <-done)
	for _, id := range [][16]byte{first, second} {
		require.Eventually(t, func() bool { return f.State(ledger.Ref{SessionID: id}) == ledger.Ended }, time.Minute, time.Millisecond)
	}
}

// An audit row with a lower number that is committed after the sealer has
// passed is chained all the same.
func TestARowThatComesLateIsChained(t *testing.T) {
	onlyPostgres(t)
	ctx := context.Background()
	l := openNew(t)
	held := l.HoldAudit(ctx, ledger.Event{Name: "slow"})
	say(t, l, "quick")
	require.Equal(t, 1, seal(t, l))
	require.NoError(t, held.Release())
	require.Equal(t, 1, seal(t, l))
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 2, report.Last)
}

func TestServersThatConfirmTooEarlyAreRefused(t *testing.T) {
	onlyPostgres(t)
	path := tempFile(t)
	u, err := url.Parse(path)
	require.NoError(t, err)
	running := open(t, config(path))
	_, err = rawSQL(t, path).Exec("ALTER DATABASE " + u.Path[1:] + " SET synchronous_commit = off")
	require.NoError(t, err)
	_, err = ledger.Open(context.Background(), config(path))
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	assert.ErrorContains(t, err, "synchronous_commit")
	found, err := ledger.Inspect(context.Background(), config(path))
	require.NoError(t, err)
	assert.False(t, found.Durable)

	// One that is open already takes no new connection of that kind.
	_, err = rawSQL(t, path).Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vneid-proxy'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return running.Ping(context.Background()) != nil }, time.Minute, time.Millisecond)
	require.ErrorIs(t, running.Ping(context.Background()), ledger.ErrUnavailable)
}

// A process that stops in the midst of a change holds up the others for a few
// seconds and then has changed nothing.
func TestAnAbandonedChangeLetsGo(t *testing.T) {
	onlyPostgres(t)
	ctx := context.Background()
	c := config(tempFile(t))
	stuck, other := open(t, c), open(t, c)
	held := stuck.HoldChange(ctx)
	mustLink(t, other, "lan", person(t, 1))
	require.ErrorIs(t, held.Release(), ledger.ErrUnavailable)
	_, err := other.AuditDetail(ctx, "too late")
	require.ErrorIs(t, err, ledger.ErrNotFound)
	require.NoError(t, stuck.Ping(ctx), "it comes back")
}

func TestThePasswordIsTakenFromItsOwnPlace(t *testing.T) {
	onlyPostgres(t)
	path := tempFile(t)
	db := rawSQL(t, path)
	_, err := db.Exec("CREATE ROLE someone LOGIN PASSWORD 'geheim'; GRANT CREATE ON SCHEMA public TO someone")
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = db.Exec("DROP OWNED BY someone; DROP ROLE someone") })
	u, err := url.Parse(path)
	require.NoError(t, err)
	u.User = url.User("someone")
	c := config(u.String())
	c.Password = "geheim"
	found, err := ledger.Inspect(context.Background(), c)
	require.NoError(t, err)
	assert.NotEmpty(t, found.Server.Forbidden, "another user has made the tables")
	_, err = ledger.Open(context.Background(), c)
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	assert.NotContains(t, err.Error(), "geheim")

	u.Host = "127.0.0.1:1"
	_, err = ledger.Open(context.Background(), config("postgres://someone:geheim@"+u.Host+"/x?sslmode=disable"))
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	assert.NotContains(t, err.Error(), "geheim")
	_, err = ledger.Open(context.Background(), config("postgres://someone:geheim@"+u.Host+"/x?sslmode=perhaps"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "geheim")
}

// wire is a network between the ledger and its server that can be cut.
type wire struct {
	net.Listener
	server    string
	atCommit  atomic.Bool // forwards the next COMMIT and loses its answer
	dead      atomic.Bool
	mu        sync.Mutex
	connected []net.Conn
}

func newWire(t *testing.T, path string) (*wire, string) {
	u, err := url.Parse(path)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{Listener: listener, server: u.Host}
	t.Cleanup(func() { _ = listener.Close(); w.cut() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	u.Host = listener.Addr().String()
	return w, u.String()
}

func (w *wire) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	if w.dead.Load() {
		return
	}
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	w.mu.Lock()
	w.connected = append(w.connected, client)
	w.mu.Unlock()
	var lost atomic.Bool
	go func() {
		answer := make([]byte, 1<<16)
		for {
			n, err := server.Read(answer)
			if err != nil || lost.Load() {
				_ = client.Close()
				return
			}
			if _, err := client.Write(answer[:n]); err != nil {
				return
			}
		}
	}()
	said := make([]byte, 1<<16)
	for {
		n, err := client.Read(said)
		if err != nil {
			return
		}
		if bytes.Contains(said[:n], []byte("commit\x00")) && w.atCommit.CompareAndSwap(true, false) {
			lost.Store(true)
			_, _ = server.Write(said[:n])
			_, _ = io.Copy(io.Discard, client) // until the answer is lost
			return
		}
		if _, err := server.Write(said[:n]); err != nil {
			return
		}
	}
}

// cut breaks every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.connected {
		_ = c.Close()
	}
	w.connected = nil
}

// Where the answer to a COMMIT is lost, nobody is told that it was done, nor is
// it done twice: the same id is spent when it is tried again.
func TestTheOutcomeOfACommitIsUnknown(t *testing.T) {
	onlyPostgres(t)
	ctx := context.Background()
	path := tempFile(t)
	through, address := newWire(t, path)
	l, beside := open(t, config(address)), open(t, config(path))
	soon := time.Now().Add(time.Hour)

	through.atCommit.Store(true)
	err := l.Spend(ctx, ledger.PurposeState, []byte("state"), soon)
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	assert.ErrorContains(t, err, "unknown")
	require.ErrorIs(t, l.Spend(ctx, ledger.PurposeState, []byte("state"), soon), ledger.ErrSpent)

	n := newLink("lan", person(t, 1))
	through.atCommit.Store(true)
	_, err = l.Link(ctx, n)
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	_, err = l.Link(ctx, n)
	require.ErrorIs(t, err, ledger.ErrSpent, "the proof went with the link")
	n.Proof = freshProof()
	there, err := l.Link(ctx, n)
	require.ErrorIs(t, err, ledger.ErrAlreadyLinked)
	assert.Equal(t, n.Account, there.Account)
	seal(t, beside)
	report := verify(t, beside)
	assert.True(t, report.Whole(), report.Reason)
	assert.EqualValues(t, 1, report.Last, "one link, one row")
}

func TestNothingIsPromisedWithoutTheServer(t *testing.T) {
	onlyPostgres(t)
	ctx := context.Background()
	path := tempFile(t)
	through, address := newWire(t, path)
	l := open(t, config(address))
	f := feed(t, l)
	through.dead.Store(true)
	through.cut()
	require.ErrorIs(t, l.Spend(ctx, ledger.PurposeState, []byte("state"), time.Now().Add(time.Hour)), ledger.ErrUnavailable)
	_, err := l.ActiveByAccount(ctx, "lan")
	require.ErrorIs(t, err, ledger.ErrUnavailable)
	require.ErrorIs(t, l.Ping(ctx), ledger.ErrUnavailable)
	gone := time.Now()
	require.Eventually(t, func() bool { return f.Age(gone.Add(time.Minute)) >= time.Minute-time.Second }, time.Minute, time.Millisecond)

	through.dead.Store(false)
	require.Eventually(t, func() bool { return l.Ping(ctx) == nil }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { return f.Age(time.Now()) < time.Minute }, time.Minute, time.Millisecond)
}
