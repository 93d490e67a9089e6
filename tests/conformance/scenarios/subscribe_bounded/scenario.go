// Package scenario: A subscription ends at its limit, at the present end and at a position: see spec.md.
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
	for n := range 20 {
		rows = append(rows, map[string]any{"k": "a", "n": n})
	}
	written := Must(client.Append(ctx, orders, rows[:10]))
	Must(client.Append(ctx, orders, rows[10:]))
	earliest := penstock.From(penstock.Earliest)
	count := func(options ...penstock.ReadOption) int {
		return len(All(client.Subscribe(ctx, orders, append(options, earliest)...).Rows()))
	}
	reason := ""
	for event, err := range client.Subscribe(ctx, orders, earliest, penstock.UntilEnd()).Events() {
		if ended, last := Must(event, err).(*penstock.Ended); last {
			reason = ended.Reason
		}
	}
	return Facts{
		"limit": count(penstock.Limit(7)), "end": count(penstock.UntilEnd()), "position": count(penstock.Until(written.Position)),
		"even": count(penstock.UntilEnd(), penstock.Where("n % 2 = 0")), "reason": reason,
	}
}
