// Package scenario: Statements are executed one by one, in a session: see spec.md.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals := run.Name("orders"), run.Name("totals")
	script := fmt.Sprintf(`
		CREATE STREAM "%[1]s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%[1]s', partitions=1, value_format='JSON');
		CREATE TABLE "%[2]s" AS SELECT "k", SUM("n") AS "total" FROM "%[1]s" GROUP BY "k";`, orders, totals)
	created, unchanged := []any{}, []any{}
	for _, result := range Must(client.SQL(ctx, script)) {
		var state any
		if result.Topology != nil {
			state = result.Topology.State
		}
		created = append(created, []any{result.Relation != nil, state})
	}
	for result, err := range client.Execute(ctx, script, penstock.ScriptOptions{Apply: true}) {
		unchanged = append(unchanged, Must(result, err).Unchanged)
	}
	inserted := Must(client.SQL(ctx, fmt.Sprintf(`INSERT INTO "%s" ("k", "n") VALUES ('a', 5);`, orders)))[0]
	row := Must(client.Get(ctx, totals, "a", penstock.AtLeast(inserted.Position), penstock.MaxWait(20*time.Second)))
	listed := false
	for stream := range Must(client.SQL(ctx, "SHOW STREAMS;"))[0].Rows.Rows() {
		listed = listed || Must(penstock.Cell[string](stream, "name")) == orders
	}
	Must(client.SQL(ctx, "DEFINE least = '3';"))
	found := []Facts{}
	for _, one := range All(client.Query(ctx, fmt.Sprintf(`SELECT * FROM "%s" WHERE "total" > ${least};`, totals)).Rows()) {
		found = append(found, Cells(one))
	}
	_, err := client.SQL(ctx, "SELEC 1;")
	start := -1
	var wrong *penstock.Error
	if errors.As(err, &wrong) && wrong.Expression != nil {
		start = wrong.Expression.Start
	}
	second := Reason(client.SQL(ctx, fmt.Sprintf(`DESCRIBE "%s"; DROP STREAM "%s";`, orders, run.Name("none"))))
	return Facts{
		"created": created, "unchanged": unchanged, "row": Cells(row), "listed": listed, "query": found, "second_statement": second,
		"syntax": Reason("", err), "start": start,
	}
}
