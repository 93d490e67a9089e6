// Package scenario: Calls are refused with the reason of each mistake: see spec.md.
package scenario

import (
	"context"
	"errors"
	"strings"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals, name := run.Name("orders"), run.Name("totals"), run.Name("counts")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	counts := penstock.NewTopology(run.Name("counts"))
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{Wait: 30 * time.Second}))
	_, err := client.Get(ctx, run.Name("totls"), "a")
	var unknown *penstock.UnknownRelationError
	candidates := errors.As(err, &unknown) && strings.Contains(unknown.Metadata["candidates"], totals)
	scan := func(options ...penstock.ReadOption) string {
		for _, err := range client.Scan(ctx, totals, options...).Rows() {
			if err != nil {
				return Reason("", err)
			}
		}
		return "OK"
	}
	subscribe := func(options ...penstock.ReadOption) string {
		for _, err := range client.Subscribe(ctx, totals, options...).Rows() {
			return Reason("", err)
		}
		return "OK"
	}
	topic := "OK"
	for _, err := range client.Query(ctx, "PRINT '"+run.Name("none")+"';").Rows() {
		topic = Reason("", err)
	}
	return Facts{
		"unknown_relation": Reason("", err), "candidates": candidates,
		"stream_lookup": Reason(client.Get(ctx, orders, "a")), "wrong_key": Reason(client.Get(ctx, totals, true)),
		"garbage_token":     Reason(client.Get(ctx, totals, "a", penstock.AtLeast("garbage"))),
		"subscribe_garbage": subscribe(penstock.From(penstock.After("garbage"))),
		"unknown_column":    scan(penstock.Where("totl > 1")), "bad_expression": scan(penstock.Where("total >")),
		"type_mismatch": scan(penstock.Where("total > 'x'")), "in_use": Reason(client.DropRelation(ctx, orders, penstock.DropOptions{})),
		"read_only":        Reason(client.Append(ctx, totals, penstock.Rows{{"k": "a"}})),
		"unknown_topology": Reason(client.Topology(ctx, run.Name("none"))), "unknown_function": Reason(client.Function(ctx, "NO_SUCH")),
		"not_paused":   Reason(client.ResetTopology(ctx, name, penstock.ResetOptions{})),
		"name_taken":   Reason(client.CreateStream(ctx, orders, "k STRING KEY", penstock.Binding{})),
		"etag":         Reason(client.DeleteTopology(ctx, name, penstock.DropOptions{ETag: "other"})),
		"wrong_column": Reason(client.Append(ctx, orders, penstock.Rows{{"x": 1}})), "bad_cursor": scan(penstock.Cursor("garbage")),
		"bad_limits": subscribe(penstock.MaxBatchRows(100_000)), "unknown_topic": topic, "unknown_node": Reason("", client.DrainNode(ctx, run.Name("none"))),
	}
}
