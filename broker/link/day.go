package link

import "time"

// Zone is the time zone of every date in a policy: Asia/Ho_Chi_Minh, which has
// been seven hours ahead of UTC without change since 1975, so that no zone
// database is needed.
func Zone() *time.Location { return time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60) }

// Day is the last day on which something is allowed, that day included. The
// zero value means not at all.
type Day struct{ start time.Time }

// DayOf is the day that t falls on in Zone; a zero t is the zero Day.
func DayOf(t time.Time) Day {
	if t.IsZero() {
		return Day{}
	}
	y, m, d := t.In(Zone()).Date()
	return Day{time.Date(y, m, d, 0, 0, 0, 0, Zone())}
}

// IsZero reports that it is allowed on no day.
func (d Day) IsZero() bool { return d.start.IsZero() }

// Reached reports that the day is over at t, or never was.
func (d Day) Reached(t time.Time) bool { return d.IsZero() || !t.Before(d.end()) }

// DaysLeft counts the days on which it is still allowed, today included; 0
// when it is over.
func (d Day) DaysLeft(t time.Time) int {
	if d.Reached(t) {
		return 0
	}
	return int((d.end().Sub(DayOf(t).start)) / (24 * time.Hour))
}

// Time is midnight at the day's start, the zero time for the zero Day.
func (d Day) Time() time.Time { return d.start }

// Equal reports that both are one day, or none.
func (d Day) Equal(other Day) bool { return d.start.Equal(other.start) }

// later is the later of two days.
func (d Day) later(other Day) Day {
	if other.start.After(d.start) {
		return other
	}
	return d
}

func (d Day) end() time.Time { return d.start.AddDate(0, 0, 1) }
