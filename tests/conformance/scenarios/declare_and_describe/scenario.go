// Package scenario: Relations are declared, described, listed and dropped: see spec.md.
package scenario

import (
	"context"
	"slices"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, stock := run.Name("orders"), run.Name("stock")
	columns := "k STRING KEY, n INT, price DECIMAL(10, 2)"
	Must(client.CreateStream(ctx, orders, columns, penstock.Binding{Partitions: 3}))
	table := Must(client.CreateTable(ctx, stock, "k STRING KEY, n BIGINT", penstock.Binding{}))
	again := Reason(client.CreateStream(ctx, orders, columns, penstock.Binding{Partitions: 3}))
	found := Must(client.Relation(ctx, orders))
	described, keys, names, partitions := []any{}, []string{}, []string{}, 0
	for _, column := range found.Columns {
		described = append(described, []any{column.Name, column.Type.String(), column.Role})
	}
	for _, column := range table.Key() {
		keys = append(keys, column.Name)
	}
	for relation, err := range client.Relations(ctx, false) {
		names = append(names, Must(relation, err).Name)
	}
	for _, topic := range Must(client.Topics(ctx, false)) {
		if topic.Name == orders {
			partitions = topic.Partitions
		}
	}
	Must(client.DropRelation(ctx, stock, penstock.DropOptions{}))
	return Facts{
		"kind": found.Kind, "columns": described, "again": again, "table_key": keys,
		"listed": slices.Contains(names, orders) && slices.Contains(names, stock), "topic_partitions": partitions,
		"dropped": Reason(client.Relation(ctx, stock)),
	}
}
