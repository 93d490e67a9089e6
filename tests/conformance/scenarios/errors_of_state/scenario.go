// Package scenario: What cannot be read or written now can be later: see spec.md.
package scenario

import (
	"context"
	"errors"
	"slices"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client, once := run.Client(), run.Connect(penstock.WithRetry(penstock.Retry{Attempts: 1}))
	orders, totals := run.Name("orders"), run.Name("totals")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	found := Facts{}
	run.Ask("hold_worker", nil)
	counts := penstock.NewTopology(run.Name("counts"))
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{}))
	var reading *penstock.NotServingError
	if _, err := once.Get(ctx, totals, "a"); errors.As(err, &reading) {
		found["reading"], found["task"], found["soon"] = reading.Reason, reading.Metadata["task"] != "", reading.RetryAfter > 0
	}
	run.Ask("release_worker", nil)
	token := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}})).Position
	row := Must(client.Get(ctx, totals, "a", penstock.AtLeast(token), penstock.MaxWait(20*time.Second)))
	found["read"], _ = row.Value("total")
	second, producer := penstock.Rows{{"k": "a", "n": 2}}, penstock.Producer(run.Name("p"), 1)
	run.Ask("fail_log", nil)
	var writing *penstock.LogUnavailableError
	if _, err := once.Append(ctx, orders, second, producer); errors.As(err, &writing) {
		found["writing"], found["later_ms"] = writing.Reason, writing.RetryAfter.Milliseconds()
	}
	run.Ask("mend_log", nil)
	found["written"] = Must(client.Append(ctx, orders, second, producer)).Rows
	rows := []int32{}
	for _, n := range Column(All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()), "n") {
		rows = append(rows, n.(int32))
	}
	slices.Sort(rows)
	found["rows"] = rows
	return found
}
