// Package scenario: A row that stops matching arrives as deleted: see spec.md.
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
	written := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 10}}))
	Must(client.Get(ctx, totals, "a", penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second)))
	rows, columns := []any{}, []string{}
	watch := client.Subscribe(ctx, totals, penstock.Where("total > :least"), penstock.With(penstock.Parameters{"least": 5}), penstock.Columns("total"))
	for event, err := range watch.Events() {
		switch event := Must(event, err).(type) {
		case *penstock.CaughtUp:
			Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": -8}}))
		case *penstock.Batch:
			columns = nil
			for _, column := range event.Schema.Columns {
				columns = append(columns, column.Name)
			}
			for row := range event.Rows() {
				rows = append(rows, []any{Cells(row)["k"], Cells(row)["total"], row.Deleted()})
			}
			if len(rows) == 2 {
				Must(client.Append(ctx, orders, penstock.Rows{{"k": "b", "n": 6}}))
			}
		}
		if len(rows) == 3 {
			break
		}
	}
	return Facts{"rows": rows, "columns": columns}
}
