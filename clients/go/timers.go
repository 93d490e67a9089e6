package penstock

import (
	"fmt"
	"reflect"
	"time"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

// TimerClock is what a timer's time is compared with.
type TimerClock int

// The clocks: the newest ROWTIME of the rows that were processed, or the machine's.
const (
	StreamTime TimerClock = iota
	WallClock
)

// Timer is a timer of a key, in whole ms. One with a name is known by it, and one without by its time.
type Timer struct {
	Key   Key
	At    time.Time
	Name  string
	Clock TimerClock
}

// changedTimer is a timer that was set, or cancelled.
type changedTimer struct {
	timer  Timer
	cancel bool
}

// Timed is a handler that sets timers: OnRow is called with each row, as a RowFunc is, and OnTimer with each timer that is due, with the state of
// its key. A timer for which it gives an error, or panics, is a bad record.
type Timed struct {
	OnRow   RowFunc
	OnTimer func(timer Timer, context *RowContext) error
}

// ProcessBundle calls OnTimer with the timers that are due, then OnRow with the rows.
func (t Timed) ProcessBundle(bundle *Bundle) error {
	bad := &BadRows{}
	for place, timer := range bundle.Timers {
		if bundle.cancelled(timer) {
			continue
		}
		err := t.fire(timer, &RowContext{bundle, place - len(bundle.Timers), timer.Key})
		if fatal := bad.add(err, &bad.Timers, place); fatal != nil {
			return fatal
		}
	}
	return bad.rows(t.OnRow, bundle)
}

func (t Timed) fire(timer Timer, context *RowContext) (err error) {
	defer recovered(&err)
	return t.OnTimer(timer, context)
}

// SetTimer sets a timer for the key. With a name, the one of that name before is gone.
func (c *RowContext) SetTimer(at time.Time, name string, clock TimerClock) {
	c.bundle.SetTimer(Timer{c.key, at, name, clock})
}

// CancelTimer cancels the timer of the key by its name, or without a name by its time.
func (c *RowContext) CancelTimer(at time.Time, name string, clock TimerClock) {
	c.bundle.CancelTimer(Timer{c.key, at, name, clock})
}

// SetTimer sets a timer for a key of the bundle's rows or timers. A time that is past is due in the next bundle.
func (b *Bundle) SetTimer(timer Timer) { b.changeTimer(timer, false) }

// CancelTimer cancels a timer by its key, clock and name, or without a name by its time; one that is not there is no error. A timer of this very
// bundle is not fired any more.
func (b *Bundle) CancelTimer(timer Timer) { b.changeTimer(timer, true) }

func (b *Bundle) changeTimer(timer Timer, cancel bool) {
	switch {
	case b.Node.TimerKeys == nil:
		b.mistake("%s has no timers; declare them where it is defined", b.Node.Node)
	case !cancel && timer.At.UnixMilli() < 0:
		b.mistake("a timer's time is %v; 1970 or later", timer.At)
	default:
		b.timers = append(b.timers, changedTimer{timer, cancel})
	}
}

// SetTimers are the timers that were set, in order. For tests.
func (b *Bundle) SetTimers() []Timer {
	var out []Timer
	for _, changed := range b.timers {
		if !changed.cancel {
			out = append(out, changed.timer)
		}
	}
	return out
}

// cancelled says whether a timer of the bundle was cancelled, or set anew, before it was its turn.
func (b *Bundle) cancelled(timer Timer) bool {
	for _, changed := range b.timers {
		other := changed.timer
		if other.Name != timer.Name || other.Clock != timer.Clock || identity(other.Key) != identity(timer.Key) {
			continue
		}
		if timer.Name != "" || changed.cancel && other.At.UnixMilli() == timer.At.UnixMilli() {
			return true
		}
	}
	return false
}

func timersOf(node *ProcessorNode, message *pb.Timers) ([]Timer, error) {
	if node.TimerKeys == nil || len(message.GetNames()) == 0 {
		return nil, nil
	}
	keys, err := batchOf(node.TimerKeys, message.GetKeys(), "", false)
	if err != nil {
		return nil, err
	}
	count := keys.Len()
	if len(message.GetNames()) != count || len(message.GetTimes()) != count || len(message.GetClocks()) != count {
		return nil, fmt.Errorf("penstock: timers of %s: lists of unequal length", node.Node)
	}
	out := make([]Timer, count)
	for i := range out {
		out[i] = Timer{Key: keys.Row(i).Values(), At: time.UnixMilli(message.GetTimes()[i]), Name: message.GetNames()[i]}
		if message.GetClocks()[i] == pb.TimerClock_TIMER_CLOCK_WALL_CLOCK {
			out[i].Clock = WallClock
		}
	}
	return out, nil
}

// timersMessage are the changed timers for an answer; nil without any.
func (b *Bundle) timersMessage() (*pb.Timers, error) {
	if len(b.timers) == 0 {
		return nil, nil
	}
	out := &pb.Timers{}
	rows, gone := make([]map[string]any, len(b.timers)), make([]bool, len(b.timers))
	for i, changed := range b.timers {
		timer := changed.timer
		rows[i], gone[i] = map[string]any{}, changed.cancel
		for place, name := range b.keyNames() {
			rows[i][name] = plain(reflect.ValueOf(timer.Key[place]))
		}
		clock := pb.TimerClock_TIMER_CLOCK_STREAM_TIME
		if timer.Clock == WallClock {
			clock = pb.TimerClock_TIMER_CLOCK_WALL_CLOCK
		}
		out.Names, out.Clocks = append(out.Names, timer.Name), append(out.Clocks, clock)
		out.Times = append(out.Times, max(0, timer.At.UnixMilli()))
	}
	var err error
	out.Keys, err = encodeRows(b.Node.TimerKeys, "timers", rows, gone)
	return out, err
}
