package ledger_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func feed(t testing.TB, l *ledger.Ledger) *ledger.Feed {
	t.Helper()
	f, err := l.Feed(t.Context())
	require.NoError(t, err)
	return f
}

func TestFeedSaysWhatEnded(t *testing.T) {
	ctx := context.Background()
	at := newClock().now()
	until := at.Add(time.Hour)
	mine := ledger.Ref{SessionID: [16]byte{0xff, 1}, Provider: "vneid", Subject: "subject-1", SID: "sid-1", Account: "lan",
		Begun: at}
	for name, c := range map[string]struct {
		revoke func(*ledger.Ledger) error
		change func(*ledger.Ref)
		want   ledger.State
	}{
		"nothing": {func(*ledger.Ledger) error { return nil }, nil, ledger.Live},
		"this session": {func(l *ledger.Ledger) error { return l.EndSession(ctx, mine.SessionID[:], until) },
			nil, ledger.Ended},
		"another session": {func(l *ledger.Ledger) error { return l.EndSession(ctx, make([]byte, 16), until) },
			nil, ledger.Live},
		"sid": {func(l *ledger.Ledger) error { return l.EndSessionsBySID(ctx, "vneid", "sid-1", until) },
			nil, ledger.Ended},
		"another provider's sid": {func(l *ledger.Ledger) error { return l.EndSessionsBySID(ctx, "other", "sid-1", until) },
			nil, ledger.Live},
		"subject, begun before": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfSubject(ctx, "vneid", "subject-1", at.Add(time.Millisecond), until)
		}, nil, ledger.Ended},
		"subject, begun at that moment": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfSubject(ctx, "vneid", "subject-1", at, until)
		}, nil, ledger.Live},
		"subject as sid": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfSubject(ctx, "vneid", "sid-1", at.Add(time.Minute), until)
		}, nil, ledger.Live},
		"account, begun before": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfAccount(ctx, "lan", at.Add(time.Millisecond), until)
		}, nil, ledger.Ended},
		"account, begun at that moment": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfAccount(ctx, "lan", at, until)
		}, nil, ledger.Live},
		"the later of two": {func(l *ledger.Ledger) error {
			if err := l.EndSessionsOfAccount(ctx, "lan", at.Add(time.Millisecond), until); err != nil {
				return err
			}
			return l.EndSessionsOfAccount(ctx, "lan", at.Add(-time.Minute), until)
		}, nil, ledger.Ended},
		"changed": {func(l *ledger.Ledger) error {
			return l.AccountChanged(ctx, "lan", at.Add(time.Millisecond), until)
		}, nil, ledger.Changed},
		"changed and read anew": {func(l *ledger.Ledger) error {
			return l.AccountChanged(ctx, "lan", at.Add(time.Millisecond), until)
		}, func(r *ledger.Ref) { r.Read = at.Add(time.Millisecond) }, ledger.Live},
		"ended outranks changed": {func(l *ledger.Ledger) error {
			if err := l.AccountChanged(ctx, "lan", at.Add(time.Minute), until); err != nil {
				return err
			}
			return l.EndSessionsOfAccount(ctx, "lan", at.Add(time.Minute), until)
		}, nil, ledger.Ended},
		"no account": {func(l *ledger.Ledger) error {
			return l.EndSessionsOfAccount(ctx, "lan", at.Add(time.Minute), until)
		}, func(r *ledger.Ref) { r.Account = "" }, ledger.Live},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config(tempFile(t))
			conf.Now = newClock().now
			one, other := open(t, conf), open(t, conf)
			here, there := feed(t, one), feed(t, other)
			require.NoError(t, c.revoke(one))
			ref := mine
			if c.change != nil {
				c.change(&ref)
			}
			assert.Equal(t, c.want, here.State(ref), "what this process revoked is seen at once")
			require.Eventually(t, func() bool { return there.State(ref) == c.want }, 10*time.Second, time.Millisecond)
			assert.Equal(t, c.want, feed(t, other).State(ref), "a feed begun later knows it too")
		})
	}
}

func TestLinkAndUnlinkEndOlderSessions(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	at.step.Store(1)
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	f := feed(t, l)
	older := ledger.Ref{Account: "lan", Begun: at.now()}
	link := mustLinkAt(t, l, "lan", at)
	assert.Equal(t, ledger.Ended, f.State(older))
	assert.Equal(t, ledger.Live, f.State(ledger.Ref{Account: "huy", Begun: older.Begun}))
	newer := ledger.Ref{Account: "lan", Begun: at.now()}
	assert.Equal(t, ledger.Live, f.State(newer))
	assert.Equal(t, ledger.Live, f.State(ledger.Ref{Account: "lan", Begun: link.Since}))
	require.NoError(t, l.Unlink(ctx, link.ID, "by_citizen", "citizen"))
	assert.Equal(t, ledger.Ended, f.State(newer))
}

func mustLinkAt(t *testing.T, l *ledger.Ledger, account string, at *clock) ledger.Link {
	t.Helper()
	n := newLink(account, person(t, 1))
	n.ProofExpires = at.now().Add(time.Hour)
	link, err := l.Link(context.Background(), n)
	require.NoError(t, err)
	return link
}

func TestFeedForgetsWhatIsPastItsTime(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	c := config(tempFile(t))
	c.Now = at.now
	l := open(t, c)
	f := feed(t, l)
	short, long := ledger.Ref{SessionID: [16]byte{1}}, ledger.Ref{SessionID: [16]byte{2}}
	require.NoError(t, l.EndSession(ctx, short.SessionID[:], at.now().Add(time.Hour)))
	require.NoError(t, l.EndSession(ctx, long.SessionID[:], at.now().Add(3*time.Hour)))
	require.Equal(t, ledger.Ended, f.State(short))
	at.advance(2 * time.Hour)
	require.Eventually(t, func() bool { return f.State(short) == ledger.Live }, 10*time.Second, time.Millisecond)
	assert.Equal(t, ledger.Ended, f.State(long))
}

func TestFeedHoldsMany(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	f := feed(t, l)
	until := time.Now().Add(time.Hour)
	session := func(i int) (id [16]byte) {
		binary.BigEndian.PutUint32(id[:], uint32(i))
		return id
	}
	const many = 600 // more than the feed adds to the small of its maps
	for i := range many {
		id := session(i)
		require.NoError(t, l.EndSession(ctx, id[:], until))
	}
	for i := range many {
		require.Equal(t, ledger.Ended, f.State(ledger.Ref{SessionID: session(i), Begun: time.Now()}), i)
	}
	assert.Equal(t, ledger.Live, f.State(ledger.Ref{SessionID: session(many)}))
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestFeedAgesWhileItCannotRead(t *testing.T) {
	at := newClock()
	var logged syncBuffer
	path := tempFile(t)
	c := config(path)
	c.Now, c.Logger = at.now, slog.New(slog.NewTextHandler(&logged, nil))
	f := feed(t, open(t, c))
	assert.Zero(t, f.Age(at.now()))

	raw := rawSQL(t, path)
	begin, err := raw.Begin()
	require.NoError(t, err)
	_, err = begin.Exec(raw.say(`INSERT INTO revocations (seq, kind, key_id, sealed, before_at, until_at)
		VALUES (1, 'account', 'deadbeef', zeroblob(1), 1, ?)`), at.now().Add(24*time.Hour).UnixMilli())
	require.NoError(t, err)
	_, err = begin.Exec("UPDATE sequences SET value = 1")
	require.NoError(t, err)
	require.NoError(t, begin.Commit())
	require.Eventually(t, func() bool { return bytes.Contains([]byte(logged.String()), []byte("deadbeef")) },
		10*time.Second, time.Millisecond, "the log names the absent key")

	at.advance(2 * time.Minute)
	assert.GreaterOrEqual(t, f.Age(at.now()), 2*time.Minute)
	_, err = raw.Exec("DELETE FROM revocations")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return f.Age(at.now()) == 0 }, 10*time.Second, time.Millisecond)
}

func TestFeedReadsAnOlderCopyOfTheLedgerFromTheStart(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	one, other := open(t, config(path)), open(t, config(path))
	until := time.Now().Add(time.Hour)
	for i := range 3 {
		require.NoError(t, one.EndSession(ctx, []byte{byte(i)}, until))
	}
	f := feed(t, other)
	raw := rawSQL(t, path)
	_, err := raw.Exec("DELETE FROM revocations")
	require.NoError(t, err)
	_, err = raw.Exec("UPDATE sequences SET value = 0")
	require.NoError(t, err)
	id := [16]byte{7}
	require.NoError(t, one.EndSession(ctx, id[:], until))
	require.Eventually(t, func() bool { return f.State(ledger.Ref{SessionID: id}) == ledger.Ended }, 10*time.Second, time.Millisecond)
}

func TestFeedEndsWithItsContext(t *testing.T) {
	l := openNew(t)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := l.Feed(ctx)
	require.NoError(t, err)
	cancel()
	feed(t, l)
	require.NoError(t, l.Ping(context.Background()))
}

func TestFeedIsReadWhileItIsWritten(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	f := feed(t, l)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f.State(ledger.Ref{SessionID: [16]byte{1}, Provider: "vneid", Subject: "s", SID: "x", Account: "lan"})
					f.Age(time.Now())
				}
			}
		})
	}
	for i := range 50 {
		require.NoError(t, l.EndSessionsOfAccount(ctx, identity.AccountID(fmt.Sprint("account-", i)), time.Now(), time.Now().Add(time.Hour)))
	}
	close(stop)
	wg.Wait()
}

func BenchmarkFeedState(b *testing.B) {
	ref := ledger.Ref{SessionID: [16]byte{9}, Provider: "vneid", Subject: "subject-1", SID: "sid-1", Account: "lan", Begun: time.Now()}
	for _, entries := range []int{0, 1000} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			l := openNew(b)
			for i := range entries {
				require.NoError(b, l.EndSession(context.Background(), fmt.Append(nil, "session-", i), time.Now().Add(time.Hour)))
			}
			f := feed(b, l)
			b.ReportAllocs()
			for b.Loop() {
				if f.State(ref) != ledger.Live {
					b.Fatal("not live")
				}
			}
		})
	}
}
