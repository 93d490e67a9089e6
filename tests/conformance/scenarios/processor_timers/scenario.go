// Package scenario: Timers of a remote processor come once, with the state of their key: see spec.md.
package scenario

import (
	"context"
	"fmt"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

var watch = penstock.Timed{
	OnRow: func(row *penstock.Row, c *penstock.RowContext) error {
		n := Must(penstock.Cell[int64](row, "n"))
		before, _ := c.State("seen")["n"].(int64)
		c.Put("seen", map[string]any{"n": before + n})
		if n == 0 {
			c.CancelTimer(time.Time{}, "over", penstock.StreamTime)
		} else {
			c.SetTimer(time.UnixMilli(Must(penstock.Cell[int64](row, "ROWTIME"))+10_000), "over", penstock.StreamTime)
		}
		return nil
	},
	OnTimer: func(_ penstock.Timer, c *penstock.RowContext) error {
		c.Send("ended", map[string]any{"n": c.State("seen")["n"]})
		c.Put("seen", nil)
		return nil
	},
}

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	visits, out, processor := run.Name("visits"), run.Name("out"), run.Name("watch")
	Must(client.CreateStream(ctx, visits, "k STRING KEY, n BIGINT", penstock.Binding{Partitions: 1}))
	last := penstock.NewTopology(run.Name("last"))
	last.Stream(visits).ProcessRemotely(penstock.Remote{
		Processor: processor, Outputs: map[string]string{"ended": "k STRING KEY, n BIGINT"}, Stores: map[string]string{"seen": "n BIGINT"}, KeepsKey: true,
		Timers: true,
	}).Named("watch").Output("ended").To(out)
	Must(client.RegisterTopology(ctx, last, penstock.RegisterOptions{Wait: 30 * time.Second}))
	stop := run.Serve(ctx, map[string]penstock.Handler{processor: watch})
	appender := Must(client.Appender(ctx, visits, penstock.Producer(run.Name("door"), 0)))
	add := func(k string, n int, at int64) {
		Check(appender.Append(ctx, penstock.Rows{{"k": k, "n": n, "ROWTIME": time.UnixMilli(at)}}))
	}
	add("a", 1, 1000)
	add("b", 2, 2000)
	add("x", 5, 2500)
	add("x", 0, 3000)
	add("a", 3, 9000)
	run.Ask("kill_worker", nil)
	add("c", 4, 12_000)
	run.Ask("kill_gateway", nil)
	add("d", 5, 19_000)
	position := Must(appender.Flush(ctx))
	rows := []any{}
	for _, row := range All(client.Subscribe(ctx, out, penstock.From(penstock.Earliest), penstock.Limit(2)).Rows()) {
		at := Must(penstock.Cell[int64](row, "ROWTIME"))
		rows = append(rows, []any{Must(penstock.Cell[string](row, "k")), fmt.Sprint(Must(penstock.Cell[int64](row, "n"))), fmt.Sprint(at)})
	}
	there := true
	for until := time.Now().Add(30 * time.Second); there && time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		there = Must(client.Get(ctx, last.Name()+".watch.seen", "a", penstock.AtLeast(position), penstock.MaxWait(30*time.Second))) != nil
	}
	x := Must(client.Get(ctx, last.Name()+".watch.seen", "x"))
	stop()
	return Facts{"rows": rows, "a": there, "x": fmt.Sprint(Must(penstock.Cell[int64](x, "n")))}
}
