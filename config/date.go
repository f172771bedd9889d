package config

import (
	"fmt"
	"time"
	_ "time/tzdata" // an image made from scratch has no time zones of its own
)

// Date is a day in Asia/Ho_Chi_Minh. The zero value is no day.
type Date struct{ midnight time.Time }

// Time is 00:00 of that day in Asia/Ho_Chi_Minh, the zero time when unset.
func (d Date) Time() time.Time { return d.midnight }

// IsZero reports that no day was set.
func (d Date) IsZero() bool { return d.midnight.IsZero() }

// String is the day as 2006-01-02, "" when unset.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.midnight.Format(time.DateOnly)
}

// UnmarshalText reads a day as 2006-01-02.
func (d *Date) UnmarshalText(text []byte) error {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		return fmt.Errorf("config: no time zone of Việt Nam: %w", err)
	}
	d.midnight, err = time.ParseInLocation(time.DateOnly, string(text), zone)
	return err
}
