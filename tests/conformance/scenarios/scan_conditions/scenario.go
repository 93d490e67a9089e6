// Package scenario: A scan is narrowed by condition, keys and limit, and goes on after its cursor: see spec.md.
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
	stock, shown := run.Name("stock"), run.Name("shown")
	Must(client.CreateTable(ctx, stock, "shop STRING KEY, item INT KEY, n INT", penstock.Binding{}))
	duplicate := penstock.NewTopology(run.Name("copy"))
	duplicate.Table(stock).To(shown)
	Must(client.RegisterTopology(ctx, duplicate, penstock.RegisterOptions{Wait: 30 * time.Second}))
	rows := penstock.Rows{}
	for n := range 50 {
		rows = append(rows, map[string]any{"shop": fmt.Sprintf("s%d", n/10), "item": n % 10, "n": n})
	}
	written := Must(client.Append(ctx, stock, rows))
	count := func(options ...penstock.ReadOption) int { return len(All(client.Scan(ctx, shown, options...).Rows())) }
	every := count(penstock.AtLeast(written.Position), penstock.MaxWait(20*time.Second))
	some := client.Scan(ctx, shown, penstock.Limit(20))
	head := All(some.Rows())
	rest := client.Scan(ctx, shown, penstock.Cursor(some.Cursor()))
	tail := All(rest.Rows())
	distinct := map[string]bool{}
	for _, row := range append(head, tail...) {
		distinct[fmt.Sprint(Cells(row)["shop"], " ", Cells(row)["item"])] = true
	}
	return Facts{
		"all": every, "where": count(penstock.Where("n > :least"), penstock.With(penstock.Parameters{"least": 41})),
		"prefix": count(penstock.Prefix("s3")), "range": count(penstock.Between(penstock.Key{"s1", 5}, penstock.Key{"s2", 4})),
		"limit": len(head), "together": len(head) + len(tail), "distinct": len(distinct), "position": rest.Position() != "",
	}
}
