// Package scenario: A record that cannot be read is kept, shown, and counted for a replay: see spec.md.
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
	orders, raw, out := run.Name("orders"), run.Name("bytes"), run.Name("out")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	Must(client.CreateStream(ctx, raw, "k BYTES KEY, v BYTES", penstock.Binding{Topic: orders, Partitions: 1, KeyFormat: "KAFKA", ValueFormat: "KAFKA"}))
	copied := penstock.NewTopology(run.Name("copy"))
	copied.Stream(orders).Named("src").To(out)
	Must(client.RegisterTopology(ctx, copied, penstock.RegisterOptions{Wait: 30 * time.Second}))
	half := `{"n": `
	record := func(value string) []penstock.Record {
		return []penstock.Record{{Key: []byte("a"), Value: []byte(value)}}
	}
	Must(client.AppendRecords(ctx, orders, record(`{"n": 5}`)))
	Must(client.AppendRecords(ctx, raw, record(half)))
	Must(client.AppendRecords(ctx, orders, record(`{"n": 1}`)))
	refused := Reason(client.AppendRecords(ctx, orders, record(half)))
	letter := Cells(First(client.Subscribe(ctx, copied.Name()+".dead_letter", penstock.From(penstock.Earliest)).Rows()))
	values := Column(All(client.Subscribe(ctx, out, penstock.From(penstock.Earliest), penstock.Limit(2)).Rows()), "n")
	replay := Must(client.ReplayDeadLetters(ctx, copied.Name(), penstock.ReplayOptions{ValidateOnly: true}))
	return Facts{
		"refused": refused, "letter": []any{letter["NODE"], letter["OFFSET"], letter["RECORD_VALUE"]}, "values": values,
		"replayable": fmt.Sprint(replay.Replayed),
	}
}
