// Package scenario: Nobody there is told as such; calls that may be repeated wait for the service to come back: see spec.md.
package scenario

import (
	"context"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, producer := run.Name("orders"), run.Name("till")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	Must(client.Append(ctx, orders, penstock.Rows{}))
	run.Ask("refuse", nil)
	once := Reason(run.Connect(penstock.WithRetry(penstock.Retry{Attempts: 1})).Cluster(ctx))
	run.Ask("refuse", Facts{"for_ms": 1000})
	repeated := Reason(client.Cluster(ctx))
	run.Ask("refuse", Facts{"for_ms": 1000})
	one := penstock.Rows{{"k": "a", "n": 1}}
	without := Reason(client.Append(ctx, orders, one))
	with := Reason(client.Append(ctx, orders, one, penstock.Producer(producer, 1)))
	rows := All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows())
	return Facts{"once": once, "repeated": repeated, "without_producer": without, "with_producer": with, "rows": len(rows)}
}
