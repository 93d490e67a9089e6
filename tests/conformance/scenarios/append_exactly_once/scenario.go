// Package scenario: A batch with a producer and a sequence is written once: see spec.md.
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
	one := penstock.Rows{{"k": "a", "n": 1}}
	once := Must(client.Append(ctx, orders, one, penstock.Producer(producer, 1)))
	again := Must(client.Append(ctx, orders, one, penstock.Producer(producer, 1)))
	gap := Reason(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 3}}, penstock.Producer(producer, 3)))
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 2}}, penstock.Producer(producer, 2)))
	values := Column(All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()), "n")
	return Facts{"first": []any{once.Rows, once.Duplicate}, "again": []any{again.Rows, again.Duplicate}, "gap": gap, "values": values}
}
