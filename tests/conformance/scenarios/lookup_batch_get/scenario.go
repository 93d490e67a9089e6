// Package scenario: Many keys are looked up at once, in the order asked: see spec.md.
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
	stock, shown := run.Name("stock"), run.Name("shown")
	Must(client.CreateTable(ctx, stock, "shop STRING KEY, item INT KEY, n BIGINT", penstock.Binding{}))
	duplicate := penstock.NewTopology(run.Name("copy"))
	duplicate.Table(stock).To(shown)
	Must(client.RegisterTopology(ctx, duplicate, penstock.RegisterOptions{Wait: 30 * time.Second}))
	written := Must(client.Append(ctx, stock, penstock.Rows{
		{"shop": "s1", "item": 1, "n": 10}, {"shop": "s1", "item": 2, "n": 20}, {"shop": "s2", "item": 1, "n": 30},
	}))
	keys := []any{penstock.Key{"s2", 1}, penstock.Key{"none", 1}, penstock.Key{"s1", 2}}
	rows := Must(client.BatchGet(ctx, shown, keys, penstock.Columns("n"), penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second)))
	found, columns := []any{}, []string{}
	for _, row := range rows {
		if row == nil {
			found = append(found, nil)
		} else {
			found = append(found, Cells(row)["n"])
		}
	}
	for _, column := range rows[0].Schema().Columns {
		columns = append(columns, column.Name)
	}
	return Facts{"found": found, "columns": columns, "wrong_key": Reason(client.BatchGet(ctx, shown, []any{penstock.Key{"s1"}}))}
}
