// Package scenario: What follows a scan is subscribed to without a gap: see spec.md.
package scenario

import (
	"context"
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
	written := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}, {"k": "b", "n": 1}}))
	scan := client.Scan(ctx, totals, penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second))
	scanned, after := Facts{}, Facts{}
	for _, row := range All(scan.Rows()) {
		scanned[Must(penstock.Cell[string](row, "k"))] = Cells(row)["total"]
	}
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}, {"k": "c", "n": 1}}))
	for row, err := range client.Subscribe(ctx, totals, penstock.From(penstock.After(scan.Position()))).Rows() {
		after[Must(penstock.Cell[string](Must(row, err), "k"))] = Cells(row)["total"]
		if after["a"] != nil && after["c"] != nil {
			break
		}
	}
	return Facts{"scanned": scanned, "after": after, "unchanged_came": after["b"] != nil}
}
