// Package scenario: A wait for a position ends in time: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals := run.Name("orders"), run.Name("totals")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	counts := penstock.NewTopology(run.Name("counts"))
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{Wait: 30 * time.Second}))
	run.Ask("hold_worker", nil)
	written := penstock.AtLeast(Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}})).Position)
	began := time.Now()
	why := Reason(client.Get(ctx, totals, "a", written, penstock.MaxWait(300*time.Millisecond)))
	inTime := time.Since(began) < 10*time.Second
	run.Ask("release_worker", nil)
	row := Must(client.Get(ctx, totals, "a", written, penstock.MaxWait(20*time.Second)))
	return Facts{"reason": why, "in_time": inTime, "then": fmt.Sprint(Cells(row)["total"])}
}
