package penstock_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"penstock.dev/client-go"
)

// total is a running total by customer.
var total = penstock.RowFunc(func(row *penstock.Row, c *penstock.RowContext) error {
	price, err := penstock.Cell[*int64](row, "price")
	if err != nil {
		return err
	}
	if price == nil {
		return fmt.Errorf("no price for %v", c.Key()[0])
	}
	sum := *price
	if before := c.State("totals"); before != nil {
		sum += before["TOTAL"].(int64)
	}
	c.Put("totals", map[string]any{"TOTAL": sum})
	c.Send("sums", map[string]any{"TOTAL": sum})
	return nil
})

func TestAWorkerServesATopology(t *testing.T) {
	client, ctx := service(t)
	must(client.CreateStream(ctx, "go_remote_in", "CUSTOMER STRING KEY, PRICE BIGINT", penstock.Binding{Partitions: 2}))
	remote := penstock.NewTopology("go_remote")
	remote.Stream("go_remote_in").ProcessRemotely(penstock.Remote{
		Processor: "go_total", Outputs: map[string]string{"sums": "CUSTOMER STRING KEY, TOTAL BIGINT"},
		Stores: map[string]string{"totals": "TOTAL BIGINT"}, KeepsKey: true,
	}).Named("sum").Output("sums").To("go_remote_out")
	must(client.RegisterTopology(ctx, remote, penstock.RegisterOptions{Wait: 20 * time.Second}))

	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	worker := penstock.Worker{Addresses: []string{os.Getenv("PENSTOCK_ADDRESS")}, Handlers: map[string]penstock.Handler{"go_total": total}}
	go func() { ended <- worker.Run(working) }()

	appender := must(client.Appender(ctx, "go_remote_in"))
	defer appender.Close()
	expected := map[string]int64{}
	for batch := range 20 {
		rows := penstock.Rows{}
		for i := range 100 {
			customer, price := fmt.Sprintf("c%02d", (batch+i)%10), int64(i%9)
			rows = append(rows, map[string]any{"CUSTOMER": customer, "PRICE": price})
			expected[customer] += price
		}
		if err := appender.Append(ctx, rows); err != nil {
			t.Fatal(err)
		}
	}
	bad := must(client.Append(ctx, "go_remote_in", penstock.Rows{{"CUSTOMER": "bad"}}))
	token := must(appender.Flush(ctx))
	for customer, want := range expected {
		row := must(client.Get(ctx, "go_remote.sum.totals", customer, penstock.AtLeast(token, bad.Position), penstock.MaxWait(30*time.Second)))
		if got := must(penstock.Cell[int64](row, "total")); got != want {
			t.Errorf("%s: got %d, want %d", customer, got, want)
		}
	}
	rows := 0
	for row, err := range client.Subscribe(ctx, "go_remote_out", penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows() {
		must(row, err)
		rows++
	}
	if rows != 2000 {
		t.Errorf("got %d rows", rows)
	}
	for row, err := range client.Subscribe(ctx, "go_remote.dead_letter", penstock.From(penstock.Earliest), penstock.Limit(1)).Rows() {
		if reason := must(penstock.Cell[string](must(row, err), "reason")); reason != "no price for bad" {
			t.Errorf("got %q", reason)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	must(client.DeleteTopology(ctx, "go_remote", penstock.DropOptions{}))
}

func TestAWorkerComputesAFunctionAndFiresTimers(t *testing.T) {
	client, ctx := service(t)
	must(client.CreateFunction(ctx, penstock.RemoteFunction{Name: "go_twice", Arguments: []string{"BIGINT"}, Result: "BIGINT", Deterministic: true, CacheRows: 10}))
	must(client.CreateStream(ctx, "go_timed_in", "CUSTOMER STRING KEY, PRICE BIGINT", penstock.Binding{Partitions: 1}))
	timed := penstock.NewTopology("go_timed")
	timed.Stream("go_timed_in").Select("GO_TWICE(PRICE) AS TWICE").ProcessRemotely(penstock.Remote{
		Processor: "go_last", Outputs: map[string]string{"last": "CUSTOMER STRING KEY, TWICE BIGINT"}, Stores: map[string]string{"newest": "TWICE BIGINT"},
		KeepsKey: true, Timers: true,
	}).Named("watch").Output("last").To("go_timed_out")
	must(client.RegisterTopology(ctx, timed, penstock.RegisterOptions{Wait: 20 * time.Second}))
	// The newest row of a customer is told when none came for 10 s of stream time.
	last := penstock.Timed{
		OnRow: func(row *penstock.Row, c *penstock.RowContext) error {
			c.Put("newest", map[string]any{"TWICE": must(penstock.Cell[int64](row, "twice"))})
			c.SetTimer(time.UnixMilli(must(penstock.Cell[int64](row, "rowtime"))+10_000), "over", penstock.StreamTime)
			return nil
		},
		OnTimer: func(_ penstock.Timer, c *penstock.RowContext) error {
			c.Send("last", c.State("newest"))
			c.Put("newest", nil)
			return nil
		},
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	worker := penstock.Worker{
		Addresses: []string{os.Getenv("PENSTOCK_ADDRESS")}, Handlers: map[string]penstock.Handler{"go_last": last},
		Functions: map[string]penstock.BatchFunc{"go_twice": penstock.RowFunction(func(arguments ...any) (any, error) { return 2 * arguments[0].(int64), nil })},
	}
	go func() { ended <- worker.Run(working) }()
	at := func(customer string, price, rowtime int) map[string]any {
		return map[string]any{"CUSTOMER": customer, "PRICE": price, "ROWTIME": time.UnixMilli(int64(rowtime))}
	}
	must(client.Append(ctx, "go_timed_in", penstock.Rows{at("a", 1, 1_000), at("b", 2, 2_000), at("a", 3, 9_000)}))
	must(client.Append(ctx, "go_timed_in", penstock.Rows{at("c", 4, 12_000), at("d", 5, 19_000)}))
	var told []string
	for row, err := range client.Subscribe(ctx, "go_timed_out", penstock.From(penstock.Earliest), penstock.Limit(2)).Rows() {
		row = must(row, err)
		told = append(told, fmt.Sprint(must(penstock.Cell[string](row, "customer")), must(penstock.Cell[int64](row, "twice"))))
	}
	if fmt.Sprint(told) != "[b4 a6]" {
		t.Errorf("got %v", told)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	must(client.DeleteTopology(ctx, "go_timed", penstock.DropOptions{}))
	must(client.DropFunction(ctx, "go_twice"))
}
