// Package scenario: Nested types come back, empty and null parts too: see spec.md.
package scenario

import (
	"context"
	"math"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	table := run.Name("t")
	Must(client.CreateStream(ctx, table, `k INT KEY, a ARRAY<ARRAY<BIGINT>>, m MAP<STRING, DECIMAL(10, 2)>,
		s STRUCT<x INT, tags ARRAY<STRING>, at TIMESTAMP>, l ARRAY<STRUCT<d DOUBLE>>`, penstock.Binding{}))
	at := time.Date(2024, time.February, 29, 12, 0, 0, 123e6, time.UTC)
	type object = map[string]any
	Must(client.Append(ctx, table, penstock.Rows{
		{
			"k": 1, "a": [][]int64{{1, math.MinInt64}, {}}, "m": map[string]string{"é": "1.5", "": "-0.01"},
			"s": object{"x": 1, "tags": []string{"a", ""}, "at": at}, "l": []object{{"d": 1.5}, {"d": -0.25}},
		},
		{"k": 2, "a": []any{}, "m": object{}, "s": object{"tags": []string{}}, "l": []any{}},
		{
			"k": 3, "a": []any{nil, []any{nil}}, "m": object{"k": nil}, "s": object{"tags": []any{nil}},
			"l": []any{nil, object{"d": nil}},
		},
		{"k": 4},
	}))
	return ByKey(All(client.Subscribe(ctx, table, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()))
}
