// Package scenario: A table's subscription gives its rows, says that it has caught up, then gives changes: see spec.md.
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
	written := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "c", "n": 3}}))
	Must(client.BatchGet(ctx, totals, []any{"a", "b", "c"}, penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second)))
	first, snapshot, marked, live := "", Facts{}, true, false
	for event, err := range client.Subscribe(ctx, totals).Events() {
		if _, schema := Must(event, err).(*penstock.SchemaChanged); schema && first == "" {
			first = "schema"
		} else if first == "" {
			first = fmt.Sprintf("%T", event)
		}
		switch event := event.(type) {
		case *penstock.CaughtUp:
			live = true
			Must(client.Append(ctx, orders, penstock.Rows{{"k": "b", "n": 5}}))
		case *penstock.Batch:
			if live {
				return Facts{
					"first_event": first, "snapshot": snapshot, "marked": marked, "change": Cells(event.Row(0)), "change_marked": event.Snapshot,
				}
			}
			marked = marked && event.Snapshot
			for row := range event.Rows() {
				snapshot[Must(penstock.Cell[string](row, "k"))] = Cells(row)["total"]
			}
		}
	}
	panic("the subscription ended")
}
