// Package scenario: Positions from which nothing can go on any more are refused, each for its reason: see spec.md.
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
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	append := func(n int) string {
		return Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": n}})).Position
	}
	refused := func(pushed *penstock.Subscription) error {
		for _, err := range pushed.Rows() {
			return err
		}
		return nil
	}
	after := func(token string) *penstock.Subscription {
		return client.Subscribe(ctx, orders, penstock.From(penstock.After(token)))
	}
	written := append(1)
	rows := client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd())
	All(rows.Rows())
	resume := rows.Position()
	append(2)
	run.Ask("expire", Facts{"topic": orders})
	append(3)
	var expired *penstock.PositionExpiredError
	if err := refused(after(resume)); !errors.As(err, &expired) {
		panic(fmt.Sprint("the position has not expired: ", err))
	}
	left := client.Subscribe(ctx, orders, penstock.From(penstock.After(expired.Metadata["earliest"])), penstock.UntilEnd())
	found := Facts{"expired": expired.Reason, "left": Column(All(left.Rows()), "n")}
	before := map[string]bool{}
	for topology, err := range client.Topologies(ctx) {
		before[Must(topology, err).Name] = true
	}
	push := fmt.Sprintf(`SELECT "k", SUM("n") AS "total" FROM "%s" GROUP BY "k" EMIT CHANGES;`, orders)
	Must(client.SQL(ctx, "SET 'auto.offset.reset' = 'earliest';"))
	sums := client.Query(ctx, push)
	found["total"], _ = First(sums.Rows()).Value("total")
	for topology, err := range client.Topologies(ctx) {
		if name := Must(topology, err).Name; !before[name] {
			Must(client.DeleteTopology(ctx, name, penstock.DropOptions{}))
		}
	}
	found["gone"] = Reason("", refused(client.Query(ctx, push, penstock.Resume(sums.Position()))))
	Must(client.DropRelation(ctx, orders, penstock.DropOptions{Topics: true}))
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	found["replaced"], found["foreign"] = Reason("", refused(after(resume))), Reason("", refused(after(written)))
	return found
}
