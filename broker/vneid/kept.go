package vneid

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// retryFloor is the least time between a reading that failed and the next.
const retryFloor = time.Second

// kept is something that the provider publishes, read when it is wanted and
// kept. Callers at one time share one reading, which belongs to none of them:
// a visitor who goes away takes nobody else along.
type kept[T any] struct {
	read   func(context.Context) (T, error) // ends by its own deadline
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex // guards what follows
	value T          // the last that was read well
	good  time.Time  // when that reading began; zero: none yet
	tried time.Time  // when the last reading began
	err   error      // how it ended
}

// since returns a value whose reading began at that time or later.
func (k *kept[T]) since(ctx context.Context, oldest time.Time) (T, error) {
	if value, err, known := k.known(oldest); known {
		return value, err
	}
	reading := k.flight.DoChan("", func() (any, error) {
		// Another reading may have ended since the look above.
		if value, err, known := k.known(oldest); known {
			return value, err
		}
		began := k.now()
		value, err := k.read(context.WithoutCancel(ctx))
		k.mu.Lock()
		defer k.mu.Unlock()
		k.tried, k.err = began, err
		if err == nil {
			k.value, k.good = value, began
		}
		return value, err
	})
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case result := <-reading:
		if result.Err != nil {
			return none, result.Err
		}
		return result.Val.(T), nil
	}
}

// within returns a value that was read no longer ago than age.
func (k *kept[T]) within(ctx context.Context, age time.Duration) (T, error) {
	return k.since(ctx, k.now().Add(-age))
}

// last returns the last value, however old; false where there is none.
func (k *kept[T]) last() (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, !k.good.IsZero()
}

func (k *kept[T]) known(oldest time.Time) (value T, err error, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.good.IsZero() && !k.good.Before(oldest):
		return k.value, nil, true
	case k.err != nil && k.now().Sub(k.tried) < retryFloor:
		return value, k.err, true
	}
	return value, nil, false
}
