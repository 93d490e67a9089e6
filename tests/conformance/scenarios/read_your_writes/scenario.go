// Package scenario: An answer includes the write whose token it is given: see spec.md.
package scenario

import (
	"context"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals, doubled := run.Name("orders"), run.Name("totals"), run.Name("doubled")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	one := penstock.NewTopology(run.Name("first"))
	one.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, one, penstock.RegisterOptions{Wait: 30 * time.Second}))
	two := penstock.NewTopology(run.Name("second"))
	two.Table(totals).Select("total * 2 AS double").To(doubled)
	Must(client.RegisterTopology(ctx, two, penstock.RegisterOptions{Wait: 30 * time.Second}))
	seen, token := []any{}, ""
	for range 10 {
		token = Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}})).Position
		seen = append(seen, Cells(Must(client.Get(ctx, doubled, "a", penstock.AtLeast(token), penstock.MaxWait(20*time.Second))))["double"])
	}
	row := Must(client.Get(ctx, doubled, "a", penstock.AtLeast(token, ""), penstock.MaxWait(20*time.Second)))
	return Facts{"seen": seen, "several_tokens": Cells(row)["double"]}
}
