// Package scenario: Large batches go through, and too large ones are refused with the limit: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"strings"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT, note STRING", penstock.Binding{Partitions: 1}))
	rows := make(penstock.Rows, 20_000)
	for n := range rows {
		rows[n] = map[string]any{"k": "a", "n": n, "note": strings.Repeat("x", 100)}
	}
	written := Must(client.Append(ctx, orders, rows))
	from := penstock.From(penstock.Earliest)
	found := Column(All(client.Subscribe(ctx, orders, from, penstock.Until(written.Position), penstock.MaxBatchRows(65_536)).Rows()), "n")
	sum := 0
	for _, n := range found {
		sum += int(n.(int32))
	}
	long := func(note string) penstock.Rows { return penstock.Rows{{"k": "a", "note": note}} }
	row := Reason(client.Append(ctx, orders, long(strings.Repeat("x", 2_000_000))))
	request := Reason(client.Append(ctx, orders, long(strings.Repeat("x", 5_000_000))))
	Must(client.Append(ctx, orders, long(strings.Repeat("é", 100_000))))
	last := First(client.Subscribe(ctx, orders, penstock.From(penstock.After(written.Position)), penstock.UntilEnd()).Rows())
	return Facts{
		"appended": written.Rows, "read": len(found), "sum": fmt.Sprint(sum), "row": row, "request": request,
		"long": strings.Count(Must(penstock.Cell[string](last, "note")), "é"),
	}
}
