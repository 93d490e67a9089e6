// Package scenario: A reader that stops misses nothing, and holds up no other call: see spec.md.
package scenario

import (
	"context"
	"strings"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT, note STRING", penstock.Binding{Partitions: 1}))
	subscription := client.Subscribe(ctx, orders, penstock.Columns("n", "note"), penstock.From(penstock.Earliest))
	for start := 0; start < 20_000; start += 2_000 {
		rows := []Facts{}
		for n := range 2_000 {
			rows = append(rows, Facts{"k": "a", "n": start + n, "note": strings.Repeat("x", 200)})
		}
		run.Ask("append", Facts{"relation": orders, "rows": rows})
	}
	values, answered := []any{}, false
	for batch, err := range subscription.Batches() {
		for row := range Must(batch, err).Rows() {
			values = append(values, Must(penstock.Cell[int32](row, "n")))
		}
		if !answered {
			began := time.Now()
			for range 20 {
				Must(client.Cluster(ctx))
			}
			answered = time.Since(began) < 10*time.Second
		}
		if len(values) >= 20_000 {
			break
		}
	}
	return Facts{"others_answered": answered, "rows": len(values), "in_order": InOrder(values)}
}
