// Package scenario: A subscription that is left is over at the service: see spec.md.
package scenario

import (
	"context"
	"sync"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}))
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	var first, ended sync.WaitGroup
	for range 5 {
		first.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			for _, err := range client.Subscribe(reading, orders, penstock.From(penstock.Earliest)).Rows() {
				if err != nil {
					return
				}
				first.Done()
			}
		}()
	}
	first.Wait()
	open := run.Ask("subscriptions", Facts{"count": 5})["count"]
	cancel()
	ended.Wait()
	left := run.Ask("subscriptions", Facts{"count": 0})["count"]
	return Facts{"open": open, "left": left, "then": Reason(client.Cluster(ctx))}
}
