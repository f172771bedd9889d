package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often a line is written where nobody watches.
const progressEvery = 10 * time.Second

// progress shows how far a long command is: a bar on a terminal, a line now and
// then elsewhere. It is for one caller at a time.
type progress struct {
	to    *os.File
	what  string
	total int // 0: not known
	bar   *progressbar.ProgressBar
	begun time.Time
	said  time.Time
	done  int
}

func newProgress(to *os.File, what string, total int) *progress {
	p := &progress{to: to, what: what, total: total, begun: time.Now()}
	p.said = p.begun
	if term.IsTerminal(int(to.Fd())) {
		most := int64(total)
		if total == 0 {
			most = -1
		}
		p.bar = progressbar.NewOptions64(most, progressbar.OptionSetWriter(to), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(total > 0),
			progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

// set says how many are done in all.
func (p *progress) set(done int) {
	p.done = done
	if p.bar != nil {
		if p.total > 0 {
			done = min(done, p.total) // more is an error there
		}
		_ = p.bar.Set(done) // nobody misses a bar
		return
	}
	if now := time.Now(); now.Sub(p.said) >= progressEvery {
		p.said = now
		_, _ = fmt.Fprintln(p.to, p.line(now))
	}
}

// line is how far it is in words: count, rate and time left.
func (p *progress) line(now time.Time) string {
	rate := float64(p.done) / max(now.Sub(p.begun).Seconds(), 0.001)
	text := fmt.Sprintf("vneid-proxy: %s: %d", p.what, p.done)
	if p.total > 0 {
		text += fmt.Sprintf(" of %d", p.total)
	}
	text += fmt.Sprintf(", %.1f a second", rate)
	if left := p.total - p.done; left > 0 && rate > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

// end clears the bar, or says the last word where lines were written.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // nobody misses a bar
		return
	}
	if p.said != p.begun {
		_, _ = fmt.Fprintln(p.to, p.line(time.Now()))
	}
}
