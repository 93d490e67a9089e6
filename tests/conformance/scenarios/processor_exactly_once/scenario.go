// Package scenario: A remote processor counts each row once, whoever is killed: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

var total = penstock.RowFunc(func(row *penstock.Row, c *penstock.RowContext) error {
	n := Must(penstock.Cell[int64](row, "n"))
	now := n
	if before := c.State("totals"); before != nil {
		now += before["total"].(int64)
	}
	c.Put("totals", map[string]any{"total": now})
	c.Send("sums", map[string]any{"n": n, "total": now})
	return nil
})

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	payments, out, processor := run.Name("payments"), run.Name("out"), run.Name("total")
	Must(client.CreateStream(ctx, payments, "k STRING KEY, n BIGINT", penstock.Binding{Partitions: 2}))
	sums := penstock.NewTopology(run.Name("sums"))
	sums.Stream(payments).ProcessRemotely(penstock.Remote{
		Processor: processor, Outputs: map[string]string{"sums": "k STRING KEY, n BIGINT, total BIGINT"},
		Stores: map[string]string{"totals": "total BIGINT"}, KeepsKey: true,
	}).Named("sum").Output("sums").To(out)
	Must(client.RegisterTopology(ctx, sums, penstock.RegisterOptions{Wait: 30 * time.Second}))
	handlers := map[string]penstock.Handler{processor: total}
	stop := run.Serve(ctx, handlers)
	appender := Must(client.Appender(ctx, payments, penstock.Producer(run.Name("till"), 0)))
	for batch := range 20 {
		rows := penstock.Rows{}
		for i := 50 * batch; i < 50*batch+50; i++ {
			rows = append(rows, map[string]any{"k": fmt.Sprintf("k%d", i%7), "n": i})
		}
		Check(appender.Append(ctx, rows))
		switch batch {
		case 4:
			run.Ask("kill_gateway", nil)
		case 9:
			run.Ask("kill_worker", nil)
		case 14:
			stop()
			stop = run.Serve(ctx, handlers)
		}
	}
	position := Must(appender.Flush(ctx))
	found := Must(client.Get(ctx, sums.Name()+".sum.totals", "k0", penstock.AtLeast(position), penstock.MaxWait(time.Minute)))
	totals, continued, rows := map[string]int64{}, true, 0
	for row, err := range client.Subscribe(ctx, out, penstock.From(penstock.Earliest), penstock.Limit(1000)).Rows() {
		rows++
		k := Must(penstock.Cell[string](Must(row, err), "k"))
		totals[k] += Must(penstock.Cell[int64](row, "n"))
		continued = continued && Must(penstock.Cell[int64](row, "total")) == totals[k]
	}
	stop()
	texts := Facts{}
	for k, now := range totals {
		texts[k] = fmt.Sprint(now)
	}
	return Facts{"total": fmt.Sprint(Must(penstock.Cell[int64](found, "total"))), "rows": rows, "continued": continued, "totals": texts}
}
