package penstock

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

// Retry says how calls are repeated. Attempts counts the first call; waits grow from First to Longest, each drawn at random from the upper
// half of its step, so that many clients do not come back together.
type Retry struct {
	Attempts       int
	First, Longest time.Duration
}

// DefaultRetry waits some eight seconds in all: a node is back by then.
var DefaultRetry = Retry{Attempts: 10, First: 50 * time.Millisecond, Longest: 2 * time.Second}

// wait is the time before the next attempt after number `attempt` (from 1), at least what the service asked for.
func (r Retry) wait(attempt int, err error) time.Duration {
	step := r.Longest
	if shift := attempt - 1; shift < 30 && r.First<<shift < r.Longest {
		step = r.First << shift
	}
	wait := step/2 + time.Duration(rand.Float64()*float64(step)/2)
	if failure := asError(err); failure != nil && failure.RetryAfter > wait {
		return failure.RetryAfter
	}
	return wait
}

// again is the time until the next attempt; false to give up.
func (r Retry) again(attempt int, err error) (time.Duration, bool) {
	if !transient(err) || attempt >= r.Attempts {
		return 0, false
	}
	return r.wait(attempt, err), true
}

// goesOn says whether the next call may succeed where this one broke. Of a call that the service had accepted, credentials that are not taken any
// more have expired: the next one takes new ones, where the application gives any.
func goesOn(err error, accepted bool) bool {
	failure := asError(err)
	return transient(err) || accepted && failure != nil && failure.Reason == ReasonCredentialsInvalid
}

// transient says whether a repeat may succeed. gRPC servers answer bursts of new streams with CANCELLED, which nobody asked for; an INTERNAL
// without a reason is the gRPC library's own, for a stream that broke while it was opened.
func transient(err error) bool {
	failure := asError(err)
	if failure == nil {
		return false
	}
	switch failure.Code {
	case codes.Internal:
		return failure.Reason == ""
	case codes.Canceled:
		return failure.cause == nil
	case codes.Unavailable:
		return true
	}
	return false
}

// sleep waits; the context's error when it ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
