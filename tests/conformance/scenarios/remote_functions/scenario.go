// Package scenario: A function that a program computes is called in an expression: see spec.md.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

var twice = penstock.RowFunction(func(arguments ...any) (any, error) {
	n := arguments[0].(int64)
	if n == 13 {
		return nil, errors.New("13 is unlucky")
	}
	return 2 * n, nil
})

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	numbers, held, out, name := run.Name("numbers"), run.Name("held"), run.Name("out"), run.Name("twice")
	made := Must(client.CreateFunction(ctx, penstock.RemoteFunction{
		Name: name, Arguments: []string{"BIGINT"}, Result: "BIGINT", Deterministic: true, CacheRows: 10,
	}))
	signature := made.Signatures[0]
	taken := Reason(client.CreateFunction(ctx, penstock.RemoteFunction{Name: name, Arguments: []string{"STRING"}, Result: "BIGINT"}))
	Must(client.CreateStream(ctx, numbers, "k STRING KEY, n BIGINT", penstock.Binding{Partitions: 1}))
	Must(client.CreateTable(ctx, held, "k STRING KEY, n BIGINT", penstock.Binding{Partitions: 1}))
	doubled := penstock.NewTopology(run.Name("doubled"))
	doubled.Stream(numbers).Filter(name + "(n) < 100").Select(name + "(n) + 1 AS m").Named("sel").To(out)
	Must(client.RegisterTopology(ctx, doubled, penstock.RegisterOptions{Wait: 30 * time.Second}))
	table := penstock.NewTopology(run.Name("table"))
	table.Table(held).Filter(name + "(n) > 1").To(run.Name("table_out"))
	wrong := penstock.NewTopology(run.Name("wrong"))
	wrong.Stream(numbers).Filter(name + "('x', n) > 1").To(run.Name("wrong_out"))
	onTable := Reason(client.RegisterTopology(ctx, table, penstock.RegisterOptions{}))
	onWrong := Reason(client.RegisterTopology(ctx, wrong, penstock.RegisterOptions{}))
	stop := run.ServeFunctions(ctx, map[string]penstock.BatchFunc{name: twice})
	rows := penstock.Rows{}
	for i, n := range []any{1, nil, 13, 60, 2} {
		rows = append(rows, map[string]any{"k": string("abcde"[i]), "n": n})
	}
	Must(client.Append(ctx, numbers, rows))
	found := []any{}
	for _, row := range All(client.Subscribe(ctx, out, penstock.From(penstock.Earliest), penstock.Limit(2)).Rows()) {
		var text any
		if m := Must(penstock.Cell[*int64](row, "m")); m != nil {
			text = fmt.Sprint(*m)
		}
		found = append(found, []any{Must(penstock.Cell[string](row, "k")), text})
	}
	letter := Cells(First(client.Subscribe(ctx, doubled.Name()+".dead_letter", penstock.From(penstock.Earliest)).Rows()))
	stop()
	Must(client.DeleteTopology(ctx, doubled.Name(), penstock.DropOptions{}))
	Must(client.DropFunction(ctx, name))
	return Facts{
		"signature": signature[strings.Index(signature, "("):], "taken": taken, "table": onTable, "wrong": onWrong, "rows": found,
		"letter": strings.Contains(letter["REASON"].(string), "13 is unlucky"), "dropped": Reason(client.Function(ctx, name)),
	}
}
