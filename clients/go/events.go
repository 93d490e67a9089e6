package penstock

import "time"

// Event is what a subscription tells: *SchemaChanged, *Batch, *Progress, *CaughtUp, *FellBehind, *Reconnecting or *Ended.
type Event interface{ event() }

// SchemaChanged is the columns of the rows that follow; it comes first.
type SchemaChanged struct{ Schema *RowSchema }

// Progress says that nothing was missed up to its position, and nothing came.
type Progress struct{ Position string }

// CaughtUp says that snapshot or history is complete; what follows is live.
type CaughtUp struct{ Position string }

// FellBehind says that this reader was too slow for live rows; what follows is history again, nothing left out.
type FellBehind struct {
	Position string
	// RowsBehind is about how many rows wait.
	RowsBehind uint64
}

// Reconnecting says that the connection is gone; the next attempt comes after Delay and goes on after Position. An empty position means from
// the start: a snapshot then comes again, and rows that were deleted meanwhile do not arrive as deletes. Err is nil for a planned end.
type Reconnecting struct {
	Position string
	Delay    time.Duration
	Err      error

	address string // a node that can go on, when a draining one has named it
}

// Ended is the last event. Reason is COMPLETED or RELATION_DELETED.
type Ended struct{ Reason, Position, Message string }

func (*SchemaChanged) event() {}
func (*Batch) event()         {}
func (*Progress) event()      {}
func (*CaughtUp) event()      {}
func (*FellBehind) event()    {}
func (*Reconnecting) event()  {}
func (*Ended) event()         {}
