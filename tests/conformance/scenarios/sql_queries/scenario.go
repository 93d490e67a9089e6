// Package scenario: Queries are pulled once or pushed as changes come, with parameters: see spec.md.
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
	orders, totals := run.Name("orders"), run.Name("totals")
	Must(client.SQL(ctx, fmt.Sprintf(`
		CREATE STREAM "%[1]s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%[1]s', partitions=1, value_format='JSON');
		CREATE TABLE "%[2]s" AS SELECT "k", SUM("n") AS "total" FROM "%[1]s" GROUP BY "k";`, orders, totals)))
	written := Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}, {"k": "b", "n": 2}}))
	pull := fmt.Sprintf(`SELECT "k", "total" FROM "%s" WHERE "k" = :key;`, totals)
	pulled := []Facts{}
	for _, row := range All(client.Query(ctx, pull, penstock.With(penstock.Parameters{"key": "b"}), penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second)).Rows()) {
		pulled = append(pulled, Cells(row))
	}
	Must(client.SQL(ctx, "SET 'auto.offset.reset' = 'earliest';"))
	pushed := []Facts{}
	push := fmt.Sprintf(`SELECT "k", "n" * 2 AS "double" FROM "%s" WHERE "n" > :least EMIT CHANGES;`, orders)
	for row, err := range client.Query(ctx, push, penstock.With(penstock.Parameters{"least": 1}), penstock.Limit(2)).Rows() {
		if len(pushed) == 0 {
			run.Ask("append", Facts{"relation": orders, "rows": []Facts{{"k": "c", "n": 9}}})
		}
		pushed = append(pushed, Cells(Must(row, err)))
	}
	unknown := "OK"
	for _, err := range client.Query(ctx, fmt.Sprintf(`SELECT * FROM "%s";`, run.Name("none"))).Rows() {
		unknown = Reason("", err)
	}
	return Facts{"pulled": pulled, "pushed": pushed, "unknown": unknown}
}
