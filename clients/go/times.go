package penstock

import (
	"fmt"
	"math"
	"time"
)

const dayMillis = 86_400_000

// Date is a day of the calendar, of the proleptic Gregorian one before 1582. It has no time zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day on which an instant falls, in its own location.
func DateOf(instant time.Time) Date {
	year, month, day := instant.Date()
	return Date{year, month, day}
}

// In is midnight at the beginning of the day.
func (d Date) In(location *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, location)
}

// String is YYYY-MM-DD.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// days counts from 1970-01-01. An error for what is no day, or one that the service's 32 bits do not reach.
func (d Date) days() (int32, error) {
	midnight := d.In(time.UTC)
	if DateOf(midnight) != d {
		return 0, fmt.Errorf("%s is no day of the calendar", d)
	}
	days := midnight.Unix() / 86_400 // exact: midnight
	if days < math.MinInt32 || days > math.MaxInt32 {
		return 0, fmt.Errorf("%s is out of range", d)
	}
	return int32(days), nil
}

func dateOfDays(days int32) Date { return DateOf(time.Unix(int64(days)*86_400, 0).UTC()) }

// TimeOfDay is the time since midnight, in whole milliseconds.
type TimeOfDay time.Duration

// Clock is the time of day of a clock that shows hour, minute, second and millisecond.
func Clock(hour, minute, second, millisecond int) TimeOfDay {
	return TimeOfDay(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(millisecond)*time.Millisecond)
}

// String is HH:MM:SS, with .mmm when the milliseconds are not zero.
func (t TimeOfDay) String() string {
	ms := time.Duration(t).Milliseconds()
	text := fmt.Sprintf("%02d:%02d:%02d", ms/3_600_000, ms/60_000%60, ms/1000%60)
	if rest := ms % 1000; rest != 0 {
		text += fmt.Sprintf(".%03d", rest)
	}
	return text
}

// MarshalText is String.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t TimeOfDay) millis() (int32, error) {
	ms := time.Duration(t).Milliseconds()
	if ms < 0 || ms >= dayMillis {
		return 0, fmt.Errorf("%s is no time of day", time.Duration(t))
	}
	return int32(ms), nil
}

func timeOfMillis(ms int32) TimeOfDay { return TimeOfDay(time.Duration(ms) * time.Millisecond) }

// millis is an instant in milliseconds since 1970, finer parts cut; an error beyond 64 bits.
func millis(instant time.Time) (int64, error) {
	seconds := instant.Unix()
	if seconds > math.MaxInt64/1000-1 || seconds < math.MinInt64/1000 {
		// The last second on either side has milliseconds inside and outside: compared by itself.
		if ms := instant.UnixMilli(); !time.UnixMilli(ms).Equal(instant.Truncate(time.Millisecond)) {
			return 0, fmt.Errorf("%s is out of range", instant)
		}
	}
	return instant.UnixMilli(), nil
}

func instantOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
