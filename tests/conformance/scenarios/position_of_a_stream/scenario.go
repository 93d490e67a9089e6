// Package scenario: The position of a stream of appends includes every batch of it: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals := run.Name("orders"), run.Name("totals")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 4}))
	counts := penstock.NewTopology(run.Name("counts"))
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{Wait: 30 * time.Second}))
	run.Ask("hold_worker", nil)
	appender := Must(client.Appender(ctx, orders))
	hand := func(n int) { Check(appender.Append(ctx, penstock.Rows{{"k": key(n), "n": 1}})) }
	for n := range 10 {
		hand(n)
	}
	Must(appender.Flush(ctx))
	run.Ask("cut", nil)
	hand(0)
	written := penstock.AtLeast(Must(appender.Flush(ctx)))
	Check(appender.Close())
	held := map[string]bool{}
	for n := range 10 {
		held[Reason(client.Get(ctx, totals, key(n), written, penstock.MaxWait(100*time.Millisecond)))] = true
	}
	run.Ask("release_worker", nil)
	sum := int32(0)
	for n := range 10 {
		sum += Must(penstock.Cell[int32](Must(client.Get(ctx, totals, key(n), written, penstock.MaxWait(20*time.Second))), "total"))
	}
	return Facts{"held": slices.Sorted(maps.Keys(held)), "then": sum}
}

func key(n int) string { return fmt.Sprint("k", n) }
