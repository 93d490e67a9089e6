// Package scenario: Rows as JSON are cast as INSERT VALUES does: see spec.md.
package scenario

import (
	"context"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n BIGINT, price DECIMAL(10, 2), day DATE", penstock.Binding{}))
	rows := penstock.Rows{{"k": "a", "n": int64(9007199254740993), "price": 12.5, "day": "2024-02-29"}, {"k": "b"}}
	facts := Facts{"appended": Must(client.Append(ctx, orders, rows, penstock.AsJSON())).Rows}
	for _, row := range All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()) {
		facts[Must(penstock.Cell[string](row, "k"))] = Cells(row)
	}
	facts["refused"] = Reason(client.Append(ctx, orders, penstock.Rows{{"k": "c", "n": "x"}}, penstock.AsJSON()))
	return facts
}
