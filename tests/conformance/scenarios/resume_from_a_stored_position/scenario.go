// Package scenario: A new client goes on after the position that an earlier one stored: see spec.md.
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
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	rows := penstock.Rows{}
	for n := range 60 {
		rows = append(rows, map[string]any{"k": "a", "n": n})
	}
	Must(client.Append(ctx, orders, rows[:50]))
	reader := run.Connect()
	values, stored := []any{}, ""
	for batch, err := range reader.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.MaxBatchRows(10)).Batches() {
		for row := range Must(batch, err).Rows() {
			values = append(values, Cells(row)["n"])
		}
		if stored = batch.Position; len(values) >= 20 {
			break
		}
	}
	Check(reader.Close())
	head := len(values)
	Must(client.Append(ctx, orders, rows[50:]))
	rest := Column(All(run.Connect().Subscribe(ctx, orders, penstock.From(penstock.After(stored)), penstock.UntilEnd()).Rows()), "n")
	return Facts{"first": head, "rest": len(rest), "in_order": InOrder(append(values, rest...))}
}
