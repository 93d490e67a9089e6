// Package scenario: An update says what becomes of each node, and needs leave for what is lost: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals := run.Name("orders"), run.Name("totals")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	definition := func(sink bool, columns ...string) *penstock.Topology {
		counts := penstock.NewTopology(run.Name("counts"))
		table := counts.Stream(orders).GroupBy().Aggregate(columns...).Named("sums")
		if sink {
			table.To(totals)
		}
		return counts
	}
	Must(client.RegisterTopology(ctx, definition(true, "SUM(n) AS total"), penstock.RegisterOptions{Wait: 30 * time.Second}))
	one := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 5}}))
	Must(client.Get(ctx, totals, "a", penstock.AtLeast(one.Position), penstock.MaxWait(20*time.Second)))
	wider := definition(true, "SUM(n) AS total", "COUNT(*) AS many")
	changes := func(to *penstock.Topology) []penstock.NodeChange {
		_, changes, err := client.UpdateTopology(ctx, to, penstock.UpdateOptions{ValidateOnly: true})
		return Must(changes, err)
	}
	added := ""
	for _, change := range changes(wider) {
		if change.Node == "sums" {
			added = change.Effect
		}
	}
	without := definition(false, "SUM(n) AS total")
	needsLeave := slices.ContainsFunc(changes(without), func(change penstock.NodeChange) bool { return change.NeedsLeave })
	_, _, err := client.UpdateTopology(ctx, without, penstock.UpdateOptions{})
	refused := Reason("", err)
	updated, _, err := client.UpdateTopology(ctx, wider, penstock.UpdateOptions{Wait: 30 * time.Second})
	Check(err)
	two := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 2}}))
	row := Must(client.Get(ctx, totals, "a", penstock.AtLeast(two.Position), penstock.MaxWait(20*time.Second)))
	return Facts{
		"added_column": added, "dropped_needs_leave": needsLeave, "refused": refused, "version": fmt.Sprint(updated.Version), "row": Cells(row),
	}
}
