package vneid_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

const discoveryPath = "/.well-known/openid-configuration"

// clock is a clock that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

func (p *provider) ticking(t *testing.T) (*vneid.OIDC, *clock) {
	c := new(clock)
	return p.party(t, func(cfg *vneid.Config) { cfg.Now, cfg.Skew = c.now, 100*time.Hour }), c
}

func TestMetadataAndKeysAreKept(t *testing.T) {
	p := newProvider(t)
	party, clock := p.ticking(t)
	for range 3 {
		_, err := party.Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
	}
	assert.Equal(t, int32(1), p.asked[discoveryPath].Load())
	assert.Equal(t, int32(1), p.asked["/jwks"].Load())

	clock.advance(61 * time.Minute)
	_, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	assert.Equal(t, int32(2), p.asked[discoveryPath].Load())
	assert.Equal(t, int32(2), p.asked["/jwks"].Load(), "keys have an age limit")
}

// A withdrawn key is refused once the kept ones are too old, though its kid was
// known.
func TestWithdrawnKey(t *testing.T) {
	p := newProvider(t)
	party, clock := p.ticking(t)
	_, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	p.published.Store(&[]any{jwk(&otherKey().PublicKey, "k2")})
	clock.advance(61 * time.Minute)
	_, err = party.Redeem(t.Context(), p.attempt, p.callback())
	assert.Equal(t, vneid.Reason("key"), vneid.ReasonOf(err))
}

// A rotation is noticed at once; a flood of invented key ids reads the keys
// once a floor, by however many at a time.
func TestUnknownKey(t *testing.T) {
	p := newProvider(t)
	party, clock := p.ticking(t)
	good := p.sign
	_, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)

	p.published.Store(&[]any{jwk(&otherKey().PublicKey, "k2")})
	p.sign = signer(jose.RS256, otherKey(), "k2", nil)
	require.NoError(t, together(10, func(int) error {
		_, err := party.Redeem(t.Context(), p.attempt, p.callback())
		return err
	}))
	assert.Equal(t, int32(2), p.asked["/jwks"].Load(), "ten sign-ins at a rotation share one reading")

	var serial atomic.Int32
	p.sign = func(b []byte) string {
		return signer(jose.RS256, rsaKey(), fmt.Sprintf("invented%d", serial.Add(1)), nil)(b)
	}
	flood := func() {
		err := together(20, func(int) error {
			if _, err := party.Redeem(t.Context(), p.attempt, p.callback()); vneid.ReasonOf(err) != vneid.ReasonKey {
				return fmt.Errorf("not refused for its key: %v", err)
			}
			return nil
		})
		require.NoError(t, err)
	}
	flood()
	assert.Equal(t, int32(2), p.asked["/jwks"].Load(), "within the floor of the rotation")
	clock.advance(6 * time.Second)
	flood()
	flood()
	assert.Equal(t, int32(3), p.asked["/jwks"].Load())

	p.sign = good
	_, err = party.Redeem(t.Context(), p.attempt, p.callback())
	assert.Equal(t, vneid.Reason("key"), vneid.ReasonOf(err), "the old key is gone")
}

func together(n int, do func(int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- do(i) }()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// The first caller goes away; the reading that it began serves the others.
func TestReadingBelongsToNobody(t *testing.T) {
	for _, path := range []string{discoveryPath, "/jwks"} {
		t.Run(path, func(t *testing.T) {
			p := newProvider(t)
			asked, gate := make(chan struct{}), make(chan struct{})
			var once sync.Once
			p.replies[path] = func(w http.ResponseWriter, r *http.Request) {
				once.Do(func() { close(asked) })
				<-gate
				q := &provider{metadata: p.metadata} // the same, without the gate
				q.published.Store(p.published.Load())
				q.serve(w, r)
			}
			party := p.party(t)
			ctx, leave := context.WithCancel(t.Context())
			first, second := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := party.Redeem(ctx, p.attempt, p.callback())
				first <- err
			}()
			<-asked
			leave()
			require.ErrorIs(t, <-first, vneid.ErrUnavailable)
			go func() {
				_, err := party.Redeem(t.Context(), p.attempt, p.callback())
				second <- err
			}()
			close(gate)
			require.NoError(t, <-second)
			assert.Equal(t, int32(1), p.asked[path].Load(), "one reading served both")
		})
	}
}

// A provider that was down at the first sign-in is read again at a later one,
// but not by everybody in between.
func TestDiscoveryIsRetried(t *testing.T) {
	p := newProvider(t)
	var up atomic.Bool
	p.replies[discoveryPath] = func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		answer(w, text(p.metadata))
	}
	party, clock := p.ticking(t)
	for range 5 {
		_, err := party.AuthURL(t.Context(), p.attempt)
		require.ErrorIs(t, err, vneid.ErrUnavailable)
	}
	assert.Less(t, p.asked[discoveryPath].Load(), int32(5))
	require.ErrorIs(t, party.Status(t.Context()), vneid.ErrUnavailable)
	_, ok := party.EndSessionURL(t.Context(), "", "")
	assert.False(t, ok)

	up.Store(true)
	clock.advance(2 * time.Second)
	_, err := party.AuthURL(t.Context(), p.attempt)
	require.NoError(t, err)
	require.NoError(t, party.Status(t.Context()))

	// Down again: Status says so, sign-in goes on with what is kept, sign-out
	// even with what is old.
	up.Store(false)
	clock.advance(time.Minute)
	require.ErrorIs(t, party.Status(t.Context()), vneid.ErrUnavailable)
	_, err = party.AuthURL(t.Context(), p.attempt)
	require.NoError(t, err)
	clock.advance(2 * time.Hour)
	_, err = party.AuthURL(t.Context(), p.attempt)
	require.ErrorIs(t, err, vneid.ErrUnavailable)
	_, ok = party.EndSessionURL(t.Context(), "", "")
	assert.True(t, ok)
}
