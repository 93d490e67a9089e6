// Package scenario: A node is taken out of the service: see spec.md.
package scenario

import (
	"context"
	"errors"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client, once := run.Client(), run.Connect(penstock.WithRetry(penstock.Retry{Attempts: 1}))
	node := Must(client.Cluster(ctx)).Nodes[0]
	found := Facts{"state": node.State, "unknown": Reason("", client.DrainNode(ctx, run.Name("none")))}
	run.Ask("hold_worker", nil)
	Check(client.DrainNode(ctx, node.ID))
	for _, err := range once.Topologies(ctx) {
		var draining *penstock.DrainingError
		if errors.As(err, &draining) {
			found["draining"], found["later_ms"] = draining.Reason, draining.RetryAfter.Milliseconds()
		}
	}
	run.Ask("release_worker", nil)
	found["code"] = run.Ask("ended", nil)["code"]
	found["then"] = Reason(once.Cluster(ctx))
	return found
}
