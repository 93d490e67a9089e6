// Package scenario: Invalid rows are named, and skipped if asked: see spec.md.
package scenario

import (
	"context"
	"errors"
	"slices"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	rows := penstock.Rows{{"k": "a", "n": 1}, {"k": "b", "n": "x"}, {"k": "c", "n": 3}}
	_, err := client.Append(ctx, orders, rows, penstock.AsJSON())
	var refused *penstock.Error
	if !errors.As(err, &refused) {
		panic(err)
	}
	written := Must(client.Append(ctx, orders, rows, penstock.AsJSON(), penstock.SkipInvalid()))
	keys := []string{}
	for _, row := range All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()) {
		keys = append(keys, Must(penstock.Cell[string](row, "k")))
	}
	slices.Sort(keys)
	named := func(all []penstock.RowError) []any {
		out := []any{}
		for _, one := range all {
			out = append(out, []any{one.Row, one.Reason})
		}
		return out
	}
	return Facts{
		"refused": refused.Reason, "rows": named(refused.RowErrors), "appended": written.Rows, "skipped": named(written.RowErrors), "keys": keys,
	}
}
