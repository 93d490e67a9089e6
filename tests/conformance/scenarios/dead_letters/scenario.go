// Package scenario: A bad record is kept, shown and replayed: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, large := run.Name("orders"), run.Name("large")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	big := penstock.NewTopology(run.Name("big"))
	big.Stream(orders).Filter("10 / n > 0").To(large)
	Must(client.RegisterTopology(ctx, big, penstock.RegisterOptions{Wait: 30 * time.Second}))
	records := []penstock.Record{}
	for _, n := range []int{5, 0, 1} {
		records = append(records, penstock.Record{Key: []byte("a"), Value: fmt.Appendf(nil, `{"n": %d}`, n)})
	}
	Must(client.AppendRecords(ctx, orders, records))
	letter := First(client.Subscribe(ctx, big.Name()+".dead_letter", penstock.From(penstock.Earliest)).Rows())
	values := Column(All(client.Subscribe(ctx, large, penstock.From(penstock.Earliest), penstock.Limit(2)).Rows()), "n")
	replay := Must(client.ReplayDeadLetters(ctx, big.Name(), penstock.ReplayOptions{ValidateOnly: true}))
	return Facts{"node": Must(penstock.Cell[string](letter, "node")), "values": values, "replayable": fmt.Sprint(replay.Replayed)}
}
