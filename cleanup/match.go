package cleanup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// ErrUnanswered says that the population database has given no answer for
// longer than MatchConfig.Patience.
var ErrUnanswered = errors.New("cleanup: the population database gives no answer")

// Check asks the population database whether number, name and birth date are
// one person's. An error means that there is no answer; it holds nothing
// personal.
type Check func(ctx context.Context, number identity.CitizenNumber, name string, birth identity.BirthDate) (matched bool, err error)

// MatchLedger keeps what is asked and answered.
type MatchLedger interface {
	Ledger
	AskClean(ctx context.Context, q ledger.CleanQuestion, a ledger.CleanAsk) (ledger.CleanState, error)
	AnswerClean(ctx context.Context, q ledger.CleanQuestion, state ledger.CleanState) error
}

// MatchConfig is what Match needs.
type MatchConfig struct {
	Directory Directory   // required
	Ledger    MatchLedger // required
	Check     Check       // required
	Rules     Rules
	Run       string // names this run among others; required
	// Workers is how many questions may be open at once; default 4. A process
	// that is killed asks so many again at most.
	Workers int
	// PerSecond is how many questions are asked a second; default 5.
	PerSecond float64
	// PerDay is how many are asked a day in all runs; 0 is any number. DayEnds
	// says when the day of a moment ends; required with it.
	PerDay  int
	DayEnds func(time.Time) time.Time
	// Lease is how long a question without an answer is another run's; default
	// 30 seconds. It must be longer than Check may take.
	Lease time.Duration
	// Patience is how long no question at all may be answered; default five
	// minutes. Retry is the first pause meanwhile, doubled up to half a minute;
	// default one second.
	Patience, Retry time.Duration
	// Progress is told after each account, by one caller at a time; nil:
	// nobody.
	Progress func(Matching)
}

// Matching is how far a run has come.
type Matching struct {
	Confirmed, NotMatched, Unanswered int
	Elsewhere                         int  // another run was asking, or had asked
	BudgetSpent                       bool // the day's questions are used up
}

// Done is how many accounts the run is through with.
func (m Matching) Done() int { return m.Confirmed + m.NotMatched + m.Unanswered + m.Elsewhere }

// Match asks about every account that can be asked about and was not, and about
// those that had no answer. It ends when there is none left, the day's
// questions are used up, or ctx does; what is under way is finished first. Each
// question is on disk before it is asked, and each answer before it counts.
// ErrUnanswered: nobody answers.
func Match(ctx context.Context, c MatchConfig) (Matching, error) {
	c.defaults()
	m := &matching{MatchConfig: c, limit: rate.NewLimiter(rate.Limit(c.PerSecond), 1)}
	var stop context.CancelCauseFunc
	m.running, stop = context.WithCancelCause(ctx)
	defer stop(nil)
	m.stop = stop
	err := m.round(func(visit func(ledger.CleanQuestion) error) error {
		var waiting []Reading
		settle := func() error {
			defer func() { waiting = waiting[:0] }()
			return m.offer(waiting, visit)
		}
		if err := c.Directory.Scan(m.running, func(r directory.Record) error {
			if waiting = append(waiting, c.Rules.Read(r)); len(waiting) < batch {
				return nil
			}
			return settle()
		}); err != nil {
			return err
		}
		return settle()
	})
	// What another run was asking, or this one before it was killed, is looked
	// at once more.
	if late := m.late; err == nil && len(late) > 0 && pause(m.running, time.Until(m.lateAt.Add(c.Lease))) {
		m.late, m.last = nil, true
		err = m.round(func(visit func(ledger.CleanQuestion) error) error {
			for _, q := range late {
				if err := visit(q); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = m.verdict(ctx, err)
	return m.far, err
}

func (c *MatchConfig) defaults() {
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.PerSecond <= 0 {
		c.PerSecond = 5
	}
	for _, d := range []struct {
		value *time.Duration
		unset time.Duration
	}{{&c.Lease, 30 * time.Second}, {&c.Patience, 5 * time.Minute}, {&c.Retry, time.Second}} {
		if *d.value <= 0 {
			*d.value = d.unset
		}
	}
}

// matching is a run.
type matching struct {
	MatchConfig
	limit   *rate.Limiter
	running context.Context // ends when nothing more is to be begun
	stop    context.CancelCauseFunc

	mu     sync.Mutex // guards what follows
	far    Matching
	late   []ledger.CleanQuestion
	lateAt time.Time // when the last of them was put off
	last   bool      // late ones are not put off again
	silent time.Time // since when nothing was answered; zero while answers come
	pauses int       // since then
}

// errSpent ends a run whose day is used up.
var errSpent = errors.New("cleanup: the day's questions are used up")

// verdict is what ended the run.
func (m *matching) verdict(ctx context.Context, err error) error {
	if cause := context.Cause(m.running); m.running.Err() != nil && ctx.Err() == nil {
		err = cause
	}
	if errors.Is(err, errSpent) {
		m.far.BudgetSpent = true
		return nil
	}
	return err
}

// round has the workers take what from offers.
func (m *matching) round(from func(visit func(ledger.CleanQuestion) error) error) error {
	todo := make(chan ledger.CleanQuestion)
	var workers sync.WaitGroup
	for range m.Workers {
		workers.Go(func() {
			for q := range todo {
				if err := m.settle(q); err != nil {
					m.stop(err)
				}
			}
		})
	}
	err := from(func(q ledger.CleanQuestion) error {
		select {
		case todo <- q:
			return nil
		case <-m.running.Done():
			return m.running.Err()
		}
	})
	close(todo)
	workers.Wait()
	return err
}

// offer passes on those that are to be asked about.
func (m *matching) offer(readings []Reading, visit func(ledger.CleanQuestion) error) error {
	known, err := cleaned(m.running, m.Ledger, readings)
	if err != nil {
		return err
	}
	for i, f := range readings {
		if state := f.state(known[i]); state != StateReady && state != StateUnanswered {
			continue
		}
		q, _ := f.question()
		if err := visit(q); err != nil {
			return err
		}
	}
	return nil
}

// tries is how often one account is asked about in a run that gets answers
// about others.
const tries = 3

// settle asks about one account until there is an answer. Once a question is
// begun, it is finished, whatever ends.
func (m *matching) settle(q ledger.CleanQuestion) error {
	finish := context.WithoutCancel(m.running)
	for try := 1; ; try++ {
		if m.running.Err() != nil || m.limit.Wait(m.running) != nil {
			return nil // it was not begun
		}
		ask := ledger.CleanAsk{Run: m.Run, Lease: m.Lease, PerDay: m.PerDay}
		if m.PerDay > 0 {
			ask.Until = m.DayEnds(time.Now())
		}
		state, err := m.Ledger.AskClean(finish, q, ask)
		switch {
		case errors.Is(err, ledger.ErrPending):
			m.putOff(q)
			return nil
		case errors.Is(err, ledger.ErrSpent):
			return errSpent
		case err != nil:
			return err
		case state != "":
			m.count(func(far *Matching) { far.Elsewhere++ })
			return nil
		}
		matched, err := m.Check(finish, q.Number, q.Name, q.BirthDate)
		if err == nil {
			return m.answered(finish, q, matched)
		}
		if err := m.Ledger.AnswerClean(finish, q, ledger.CleanUnanswered); err != nil {
			return err
		}
		wait, patient := m.silence()
		if !patient {
			return fmt.Errorf("%w: %w", ErrUnanswered, err)
		}
		if try == tries {
			m.count(func(far *Matching) { far.Unanswered++ })
			return nil
		}
		pause(m.running, wait)
	}
}

func (m *matching) answered(ctx context.Context, q ledger.CleanQuestion, matched bool) error {
	state := ledger.CleanNotMatched
	if matched {
		state = ledger.CleanConfirmed
	}
	if err := m.Ledger.AnswerClean(ctx, q, state); err != nil {
		return err
	}
	m.count(func(far *Matching) {
		m.silent, m.pauses = time.Time{}, 0
		if matched {
			far.Confirmed++
		} else {
			far.NotMatched++
		}
	})
	return nil
}

// lateMost is how many accounts are put off to the end of a run.
const lateMost = 10_000

func (m *matching) putOff(q ledger.CleanQuestion) {
	m.mu.Lock()
	if !m.last && len(m.late) < lateMost {
		m.late, m.lateAt = append(m.late, q), time.Now()
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	m.count(func(far *Matching) { far.Elsewhere++ })
}

func (m *matching) count(one func(*Matching)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	one(&m.far)
	if m.Progress != nil {
		m.Progress(m.far)
	}
}

// silence notes that there was no answer, and says how long to pause, and
// whether to go on at all.
func (m *matching) silence() (wait time.Duration, patient bool) {
	const longest = 30 * time.Second
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.silent.IsZero() {
		m.silent = time.Now()
	}
	wait = min(m.Retry<<min(m.pauses, 10), longest)
	m.pauses++
	return wait, time.Since(m.silent) < m.Patience
}

// pause reports whether the time has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
