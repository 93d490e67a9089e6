// Package scenario: A deadline holds, on a service that answers late: see spec.md.
package scenario

import (
	"context"
	"time"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	run.Ask("delay", Facts{"ms": 3000})
	began := time.Now()
	short, stop := context.WithTimeout(ctx, 500*time.Millisecond)
	defer stop()
	why := Reason(client.Cluster(short))
	inTime := time.Since(began) < 2*time.Second
	run.Ask("delay", Facts{"ms": 0})
	longer, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return Facts{"reason": why, "in_time": inTime, "then": Reason(client.Cluster(longer))}
}
