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
//
// Asking may take days, and a directory should not be held open so long: the
// directory is read until there is some work, which is done before it is read
// again.
func Match(ctx context.Context, c MatchConfig) (Matching, error) {
	c.defaults()
	m := &matching{MatchConfig: c, limit: rate.NewLimiter(rate.Limit(c.PerSecond), 1), passed: map[identity.AccountID]bool{}}
	var stop context.CancelCauseFunc
	m.running, stop = context.WithCancelCause(ctx)
	defer stop(nil)
	m.stop = stop
	err := m.rounds()
	if cause := context.Cause(m.running); m.running.Err() != nil && ctx.Err() == nil {
		err = cause
	}
	if errors.Is(err, errSpent) {
		m.far.BudgetSpent, err = true, nil
	}
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
	passed map[identity.AccountID]bool // not asked about again in this run; true where another run was asking
	late   time.Time                   // when the last of those was met; zero where there is none
	last   bool                        // they are not waited for again
	silent time.Time                   // since when nothing was answered; zero while answers come
	pauses int                         // since then
}

var (
	errSpent = errors.New("cleanup: the day's questions are used up")
	errRound = errors.New("cleanup: enough for a round")
)

// roundSize is how many questions are held in memory.
const roundSize = 50_000

// rounds collects questions and asks them until there are none.
func (m *matching) rounds() error {
	for {
		questions, err := m.collect()
		if err != nil {
			return err
		}
		if len(questions) > 0 {
			m.ask(questions)
			continue
		}
		// What another run was asking, or this one before it was killed, is
		// looked at once more.
		if m.late.IsZero() || !pause(m.running, time.Until(m.late.Add(m.Lease))) {
			return m.running.Err()
		}
		m.last, m.late = true, time.Time{}
		for account, elsewhere := range m.passed {
			if elsewhere {
				delete(m.passed, account)
			}
		}
	}
}

// collect reads the directory until there is a round of questions.
func (m *matching) collect() (questions []ledger.CleanQuestion, err error) {
	var waiting []Reading
	settle := func() error {
		known, err := cleaned(m.running, m.Ledger, waiting)
		if err != nil {
			return err
		}
		for i, f := range waiting {
			state := f.state(known[i])
			if _, passed := m.passed[f.Account.ID]; !passed && (state == StateReady || state == StateUnanswered) {
				q, _ := f.question()
				questions = append(questions, q)
			}
		}
		if waiting = waiting[:0]; len(questions) >= roundSize {
			return errRound
		}
		return nil
	}
	err = m.Directory.Scan(m.running, func(r directory.Record) error {
		if waiting = append(waiting, m.Rules.Read(r)); len(waiting) < batch {
			return nil
		}
		return settle()
	})
	if err == nil {
		err = settle()
	}
	if errors.Is(err, errRound) {
		err = nil
	}
	return questions, err
}

// ask has the workers ask; it returns when nothing is under way any more.
func (m *matching) ask(questions []ledger.CleanQuestion) {
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
	defer workers.Wait()
	defer close(todo)
	for _, q := range questions {
		select {
		case todo <- q:
		case <-m.running.Done():
			return
		}
	}
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
			m.pass(q)
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
			m.count(func(far *Matching) {
				m.passed[q.Account] = false
				far.Unanswered++
			})
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

// pass leaves an account to another run, which is asking, for now or for good.
func (m *matching) pass(q ledger.CleanQuestion) {
	m.mu.Lock()
	m.passed[q.Account] = true
	last := m.last
	if !last {
		m.late = time.Now()
	}
	m.mu.Unlock()
	if last {
		m.count(func(far *Matching) { far.Elsewhere++ })
	}
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
