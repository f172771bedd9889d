package population_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/population"
)

// service stands in for the network, so that time can be told to pass: each
// call takes as long as it says.
type service struct {
	takes time.Duration
	calls atomic.Int32
	most  atomic.Int32
	now   atomic.Int32
	order chan string // the names asked about, where it is not nil
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	defer s.now.Add(-1)
	body, _ := io.ReadAll(r.Body)
	if s.order != nil {
		s.order <- map[bool]string{true: "background", false: "person"}[bytes.Contains(body, []byte("VIEC"))]
	}
	time.Sleep(s.takes)
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(`{"matched":true}`)))}, nil
}

func limited(t *testing.T, s *service, l population.Limits) *population.Client {
	c, err := population.New(population.Config{URL: "https://dan-cu.example/", Credentials: token("t"), Transport: s, Limits: l})
	require.NoError(t, err)
	return c
}

func TestCallsASecond(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		c := limited(t, s, population.Limits{PerSecond: 2, Wait: time.Minute})
		began := time.Now()
		for range 6 {
			_, err := c.Match(t.Context(), q)
			require.NoError(t, err)
		}
		// Two at once, then one each half a second.
		assert.InDelta(t, 2*time.Second, time.Since(began), float64(time.Millisecond))
	})
}

func TestCallsAtOnce(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: time.Second}
		c := limited(t, s, population.Limits{AtOnce: 3, Wait: time.Minute})
		for range 10 {
			go func() { _, _ = c.Match(t.Context(), q) }()
		}
		synctest.Wait()
		assert.Equal(t, 7, c.State().Waiting)
		time.Sleep(10 * time.Second)
		assert.Equal(t, int32(10), s.calls.Load())
		assert.Equal(t, int32(3), s.most.Load())
		assert.Zero(t, c.State().Waiting)
	})
}

// A person waits so long and no longer; nobody was asked.
func TestAPersonWaitsALittle(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 5 * time.Second}
		c := limited(t, s, population.Limits{AtOnce: 1})
		go func() { _, _ = c.Match(t.Context(), q) }()
		synctest.Wait()
		began := time.Now()
		_, err := c.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrLimited)
		require.ErrorIs(t, err, population.ErrUnavailable)
		assert.Equal(t, 2*time.Second, time.Since(began))
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, err = c.Background(0).Match(gone, q)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, c.State().Waiting, "nobody who left is left behind")
		time.Sleep(5 * time.Second)
		_, err = c.Match(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, int32(2), s.calls.Load())
	})
}

func TestPeopleGoFirst(t *testing.T) {
	q := question(t)
	work := q
	work.Name = "Việc Nền"
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: time.Second, order: make(chan string, 20)}
		c := limited(t, s, population.Limits{AtOnce: 1, Wait: time.Minute})
		for range 4 {
			go func() { _, _ = c.Background(0).Match(t.Context(), work) }()
		}
		synctest.Wait()
		for range 3 {
			go func() { _, _ = c.Match(t.Context(), q) }()
		}
		time.Sleep(10 * time.Second)
		var order []string
		for len(s.order) > 0 {
			order = append(order, <-s.order)
		}
		assert.Equal(t, []string{"background", "person", "person", "person", "background", "background", "background"}, order)
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: time.Minute}
		c := limited(t, s, population.Limits{AtOnce: 1, Wait: time.Hour})
		ctx, stop := context.WithCancel(t.Context())
		for range 257 {
			go func() { _, _ = c.Match(ctx, q) }()
		}
		synctest.Wait()
		assert.Equal(t, 256, c.State().Waiting)
		_, err := c.Match(ctx, q)
		require.ErrorIs(t, err, population.ErrLimited)
		_, err = c.Background(time.Second).Match(ctx, q)
		require.ErrorIs(t, err, population.ErrLimited, "it waits in a queue of its own, behind")
		stop()
		synctest.Wait()
		assert.Zero(t, c.State().Waiting)
		time.Sleep(time.Minute)
	})
}

func TestTheDaysBudget(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		c := limited(t, s, population.Limits{PerDay: 10, Reserve: 30})
		work := c.Background(0)
		for range 7 {
			_, err := work.Match(t.Context(), q)
			require.NoError(t, err)
		}
		_, err := work.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrLimited)
		assert.Equal(t, 3, c.State().Left, "left to people")
		for range 3 {
			_, err := c.Match(t.Context(), q)
			require.NoError(t, err)
		}
		_, err = c.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrLimited)
		assert.Equal(t, int32(10), s.calls.Load())
		assert.Equal(t, population.State{Used: 10, Left: 0}, c.State())

		// The bubble's clock begins at midnight UTC, seven in the morning in
		// Việt Nam: the day is over at five in the afternoon.
		time.Sleep(17*time.Hour - time.Second)
		_, err = c.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrLimited)
		time.Sleep(time.Second)
		_, err = c.Match(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, population.State{Used: 1, Left: 9}, c.State())
	})
}

// A call that is counted while midnight passes takes nothing from the new day.
func TestTheCountOverMidnight(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards counts
		counts := map[string]int{}
		var asked atomic.Int32
		c := limited(t, &service{}, population.Limits{PerDay: 5, Count: func(_ context.Context, day string) (int, error) {
			if asked.Add(1) == 1 {
				time.Sleep(2 * time.Second) // the ledger is slow just now
			}
			mu.Lock()
			defer mu.Unlock()
			counts[day]++
			return counts[day], nil
		}})
		time.Sleep(17*time.Hour - time.Second)
		go func() { _, _ = c.Match(t.Context(), q) }()
		synctest.Wait()
		time.Sleep(1500 * time.Millisecond)
		_, err := c.Match(t.Context(), q)
		require.NoError(t, err)
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[string]int{"2000-01-01": 1, "2000-01-02": 1}, counts)
		assert.Equal(t, population.State{Used: 1, Left: 4}, c.State())
	})
}

// Two processes with one count share the budget; where it cannot be counted
// nobody is asked.
func TestTheBudgetIsShared(t *testing.T) {
	q := question(t)
	synctest.Test(t, func(t *testing.T) {
		var count atomic.Int32
		var broken atomic.Bool
		limits := population.Limits{PerDay: 6, Count: func(_ context.Context, day string) (int, error) {
			if broken.Load() {
				return 0, errors.New("disk full")
			}
			assert.Equal(t, "2000-01-01", day)
			return int(count.Add(1)), nil
		}}
		s := &service{}
		one, two := limited(t, s, limits), limited(t, s, limits)
		for range 3 {
			for _, c := range []*population.Client{one, two} {
				_, err := c.Match(t.Context(), q)
				require.NoError(t, err)
			}
		}
		for range 5 {
			for _, c := range []*population.Client{one, two} {
				_, err := c.Match(t.Context(), q)
				require.ErrorIs(t, err, population.ErrLimited)
			}
		}
		assert.Equal(t, int32(6), s.calls.Load())
		assert.LessOrEqual(t, count.Load(), int32(8), "who knows that it is used up does not count on")
		broken.Store(true)
		_, err := limited(t, s, limits).Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrUnavailable)
		require.NotErrorIs(t, err, population.ErrLimited)
		assert.Equal(t, int32(6), s.calls.Load())
	})
}
