package population

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Limits are the calls that were agreed with the State. The zero value limits
// nothing but how many calls are made at once.
type Limits struct {
	PerSecond float64 // calls a second by this process; 0 is no limit
	AtOnce    int     // calls at once by this process; default 8
	PerDay    int     // calls a day, Asia/Ho_Chi_Minh; 0 is no limit
	// Reserve is the part of PerDay, in percent, that is left to people:
	// Background work stops when no more than that is left.
	Reserve int
	// Wait is how long a person's question waits for its turn; default 2s.
	Wait time.Duration
	// Count counts a call of the day, named yyyy-mm-dd, and returns how many
	// there were, this one included. Where several processes share the budget
	// it is what they share; nil counts in this process, from its start.
	Count func(ctx context.Context, day string) (int, error)
}

const (
	defaultAtOnce = 8
	defaultWait   = 2 * time.Second
)

func (l Limits) check() error {
	if !(l.PerSecond >= 0) || math.IsInf(l.PerSecond, 0) || l.AtOnce < 0 || l.PerDay < 0 || l.Wait < 0 || l.Reserve < 0 || l.Reserve > 100 {
		return errors.New("population: Limits: want no negative value, and a Reserve of at most 100")
	}
	return nil
}

// day is the day's budget.
type day struct {
	most, reserve int // most 0: no limit
	count         func(context.Context, string) (int, error)

	mu   sync.Mutex
	name string // the day that used is of
	used int    // as was told last
}

func newDay(l Limits) *day {
	return &day{most: l.PerDay, reserve: (l.PerDay*l.Reserve + 99) / 100, count: l.Count}
}

// mostFor is how far the day may be used for somebody.
func (d *day) mostFor(who rank) int {
	if who == background {
		return d.most - d.reserve
	}
	return d.most
}

// allows refuses by what is known already, so that nobody waits in vain.
func (d *day) allows(who rank) error {
	if used, _ := d.today(); d.most > 0 && used >= d.mostFor(who) {
		return limited("the day's budget is used up")
	}
	return nil
}

// spend counts a call, or refuses it. Where other processes have used up the
// rest meanwhile, the call that finds out is counted, and not made.
func (d *day) spend(ctx context.Context, who rank) error {
	if err := d.allows(who); err != nil {
		return err
	}
	_, name := d.today()
	used := 0
	if d.count == nil {
		used = d.note(name, 1, 0)
	} else {
		told, err := d.count(ctx, name)
		if err != nil {
			return fmt.Errorf("%w: the day's budget cannot be counted", ErrUnavailable)
		}
		used = d.note(name, 0, told)
	}
	if d.most > 0 && used > d.mostFor(who) {
		return limited("the day's budget is used up")
	}
	return nil
}

// note adds calls to a day's, of which there are at least so many, and returns
// their number. Of a day that is over by now nothing is kept: the next one has
// begun.
func (d *day) note(name string, more, least int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name < d.name {
		return more + least
	}
	if name > d.name {
		d.name, d.used = name, 0
	}
	d.used = max(d.used+more, least)
	return d.used
}

// today is how many calls there were, and which day it is.
func (d *day) today() (used int, name string) {
	name = time.Now().In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)).Format(time.DateOnly)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.name == name {
		used = d.used
	}
	return used, name
}

func (d *day) state() (used, left int) {
	used, _ = d.today()
	if d.most == 0 {
		return used, -1
	}
	return used, max(0, d.most-used)
}
