// Package scenario: A subscription goes on over a kill of the gateway and a cut, without a gap or a repeat: see spec.md.
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
	write := func(start int) {
		rows := []Facts{}
		for n := range 100 {
			rows = append(rows, Facts{"k": "a", "n": start + n})
		}
		run.Ask("append", Facts{"relation": orders, "rows": rows})
	}
	write(0)
	taken, values := map[int64]bool{}, []any{}
	killed, cut, reconnected, written := false, false, false, 100
	subscription := client.Subscribe(ctx, orders, penstock.Columns("n", "ROWOFFSET"), penstock.From(penstock.Earliest), penstock.MaxBatchRows(10))
	for event, err := range subscription.Events() {
		switch event := Must(event, err).(type) {
		case *penstock.Reconnecting:
			reconnected = true
		case *penstock.Batch:
			for row := range event.Rows() {
				if offset := Must(penstock.Cell[int64](row, "ROWOFFSET")); !taken[offset] {
					taken[offset] = true
					values = append(values, Cells(row)["n"])
				}
			}
		}
		if len(values) >= 30 && !killed {
			killed = true
			run.Ask("kill_gateway", nil)
		}
		if len(values) >= 300 && !cut {
			cut = true
			run.Ask("cut", nil)
		}
		if len(values) >= 400 {
			break
		}
		if len(values) >= written {
			write(written)
			written += 100
		}
	}
	return Facts{"rows": len(values), "in_order": InOrder(values), "reconnected": reconnected}
}
