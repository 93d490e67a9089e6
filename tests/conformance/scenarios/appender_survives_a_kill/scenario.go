// Package scenario: A stream of appends goes on over a kill of the gateway, each row once: see spec.md.
package scenario

import (
	"context"
	"fmt"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, producer := run.Name("orders"), run.Name("till")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	appender := Must(client.Appender(ctx, orders, penstock.Producer(producer, 0)))
	for n := range 100 {
		switch n {
		case 30:
			run.Ask("kill_gateway", nil)
		case 60:
			run.Ask("cut", nil)
		}
		Check(appender.Append(ctx, penstock.Rows{{"k": "a", "n": n}}))
	}
	until := Must(appender.Flush(ctx))
	Check(appender.Close())
	values := Column(All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.Until(until)).Rows()), "n")
	later := Must(client.Appender(ctx, orders, penstock.Producer(producer, 0)))
	defer later.Close()
	return Facts{"values": len(values), "in_order": InOrder(values), "last_sequence": fmt.Sprint(Must(later.LastSequence(ctx)))}
}
