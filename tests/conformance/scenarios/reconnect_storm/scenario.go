// Package scenario: Many subscriptions of one client come back after their connection was cut: see spec.md.
package scenario

import (
	"context"
	"slices"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 0}}))
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	values := make(chan any, 1000)
	for range 20 {
		go func() {
			for row, err := range client.Subscribe(reading, orders, penstock.From(penstock.Earliest)).Rows() {
				if err != nil {
					return
				}
				values <- Cells(row)["n"]
			}
		}()
	}
	take := func() []any {
		out := []any{}
		for range 20 {
			out = append(out, <-values)
		}
		return out
	}
	take()
	for range 3 {
		run.Ask("cut", nil)
	}
	run.Ask("append", Facts{"relation": orders, "rows": []Facts{{"k": "a", "n": 1}}})
	second := take()
	came := len(second)
	open := run.Ask("subscriptions", Facts{"count": 20})["count"]
	return Facts{"second": slices.Compact(second), "all_came": came, "open": open}
}
