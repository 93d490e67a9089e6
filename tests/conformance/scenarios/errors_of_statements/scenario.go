// Package scenario: Statements are refused with the reason and the place of each mistake: see spec.md.
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
	client := run.Client()
	orders, totals, x, none := run.Name("orders"), run.Name("totals"), run.Name("x"), run.Name("none")
	declared := fmt.Sprintf(`CREATE STREAM "%[1]s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%[1]s', partitions=1, value_format='JSON');`, orders)
	Must(client.SQL(ctx, fmt.Sprintf(`%s CREATE TABLE "%s" AS SELECT "k", SUM("n") AS "total" FROM "%s" GROUP BY "k";`, declared, totals, orders)))
	why := func(statement string, names ...any) string {
		_, err := client.SQL(ctx, fmt.Sprintf(statement, names...))
		return Reason("", err)
	}
	quotient, place := fmt.Sprintf(`CREATE STREAM "%s" AS SELECT "k", "n" / 'a' AS "y" FROM "%s";`, x, orders), ""
	_, err := client.SQL(ctx, quotient)
	var wrong *penstock.Error
	if errors.As(err, &wrong) && wrong.Expression != nil {
		place = quotient[wrong.Expression.Start:wrong.Expression.End]
	}
	backwards := "OK"
	for row, err := range client.Scan(ctx, totals, penstock.Between("z", "a")).Rows() {
		backwards = Reason(row, err)
	}
	return Facts{
		"twice": why("%s", declared), "topic": why(`CREATE STREAM "%s" ("k" STRING KEY) WITH (kafka_topic='%s', value_format='JSON');`, x, none),
		"assertion": why(`ASSERT TOPIC "%s" TIMEOUT 1 SECONDS;`, none), "used": why(`DROP STREAM "%s";`, orders),
		"loop":      why(`INSERT INTO "%[1]s" SELECT * FROM "%[1]s";`, orders),
		"aggregate": why(`CREATE TABLE "%s" AS SELECT "total", MIN("total") AS "m" FROM "%s" GROUP BY "total";`, x, totals),
		"window": why(`CREATE TABLE "%s" AS SELECT "k", COUNT(*) AS "c" FROM "%s" WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 MINUTE)
			GROUP BY "k";`, x, orders),
		"schema": why(`CREATE STREAM "%[1]s" ("k" STRING KEY) WITH (kafka_topic='%[1]s', partitions=1, value_format='AVRO', value_schema_id=99999);`, x),
		"types":  Reason("", err), "place": place, "property": why(`SET 'no.such' = 'x';`), "query": why(`TERMINATE "%s";`, none),
		"range": backwards,
	}
}
