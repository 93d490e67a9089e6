// Package scenario: The service describes itself: see spec.md.
package scenario

import (
	"context"
	"slices"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 2}))
	duplicate := penstock.NewTopology(run.Name("copy"))
	duplicate.Stream(orders).To(run.Name("out"))
	Must(client.RegisterTopology(ctx, duplicate, penstock.RegisterOptions{Wait: 30 * time.Second}))
	cluster := Must(client.Cluster(ctx))
	states := []string{}
	for _, task := range Must(client.Tasks(ctx, duplicate.Name())) {
		states = append(states, task.State)
	}
	hasSum := slices.ContainsFunc(Must(client.Functions(ctx)), func(function penstock.Function) bool { return function.Name == "SUM" })
	return Facts{
		"log": cluster.Log, "available": cluster.LogAvailable, "nodes": len(cluster.Nodes), "tasks": states,
		"kind": Must(client.Function(ctx, "ABS")).Kind, "has_sum": hasSum,
	}
}
