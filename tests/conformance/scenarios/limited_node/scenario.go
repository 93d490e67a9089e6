// Package scenario: A node at its limits, and without what it should have: see spec.md.
package scenario

import (
	"context"
	"errors"
	"fmt"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client, orders := run.Client(), run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	broken := penstock.NewTopology(run.Name("t"))
	broken.Stream(orders).Process(penstock.Plugin{Processor: "broken"}).Output("out").To(run.Name("out"))
	found := Facts{"plugin": Reason(client.RegisterTopology(ctx, broken, penstock.RegisterOptions{ValidateOnly: true}))}
	once := run.Connect(penstock.WithRetry(penstock.Retry{Attempts: 1}))
	var schemas *penstock.SchemaRegistryUnavailableError
	if _, err := once.CreateStream(ctx, run.Name("avro"), "k STRING KEY, n INT", penstock.Binding{ValueFormat: "AVRO"}); errors.As(err, &schemas) {
		found["schemas"], found["later_ms"] = schemas.Reason, schemas.RetryAfter.Milliseconds()
	}
	Must(client.SQL(ctx, "SET 'auto.offset.reset' = 'earliest';"))
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}))
	push := fmt.Sprintf(`SELECT "k", SUM("n") AS "total" FROM "%s" GROUP BY "k" EMIT CHANGES;`, orders)
	totals := []any{}
	for row, err := range client.Query(ctx, push, penstock.Limit(2)).Rows() {
		total, _ := Must(row, err).Value("total")
		if totals = append(totals, total); len(totals) > 1 {
			continue
		}
		for _, err := range client.Query(ctx, push).Rows() {
			var queries *penstock.TooManyQueriesError
			if errors.As(err, &queries) {
				found["queries"], found["limit"] = queries.Reason, queries.Metadata["limit"]
			}
			break
		}
		Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 2}}))
	}
	found["totals"] = totals
	return found
}
