// Package scenario: A topology is registered, paused, reset, resumed and deleted: see spec.md.
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
	counts := penstock.NewTopology(run.Name("counts"))
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	registered := Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{Wait: 30 * time.Second}))
	again := Reason(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{}))
	one := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}))
	Must(client.Get(ctx, totals, "a", penstock.AtLeast(one.Position), penstock.MaxWait(20*time.Second)))
	paused := Must(client.PauseTopology(ctx, counts.Name())).State
	two := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 2}}))
	whilePaused := Must(client.Get(ctx, totals, "a"))
	reset := Must(client.ResetTopology(ctx, counts.Name(), penstock.ResetOptions{}))
	Must(client.ResumeTopology(ctx, counts.Name()))
	after := Must(client.Get(ctx, totals, "a", penstock.AtLeast(two.Position), penstock.MaxWait(20*time.Second)))
	listed := false
	for info, err := range client.Topologies(ctx) {
		listed = listed || Must(info, err).Name == counts.Name()
	}
	Must(client.DeleteTopology(ctx, counts.Name(), penstock.DropOptions{}))
	return Facts{
		"registered": registered.State, "again": again, "listed": listed, "publishes": slices.Contains(registered.Relations, totals),
		"paused": paused, "while_paused": fmt.Sprint(Cells(whilePaused)["total"]), "version": fmt.Sprint(reset.Version),
		"after_reset": fmt.Sprint(Cells(after)["total"]), "deleted": Reason(client.Topology(ctx, counts.Name())),
		"relation": Reason(client.Get(ctx, totals, "a")),
	}
}
