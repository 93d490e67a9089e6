// Package scenario: Windows of a key are looked up by range and one by one: see spec.md.
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
	clicks, counts := run.Name("clicks"), run.Name("counts")
	day := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)
	Must(client.CreateStream(ctx, clicks, "page STRING KEY, n INT", penstock.Binding{}))
	minutes := penstock.NewTopology(run.Name("minutes"))
	minutes.Stream(clicks).GroupBy().Window(penstock.Tumbling(time.Minute)).Aggregate("COUNT(*) AS many").To(counts)
	Must(client.RegisterTopology(ctx, minutes, penstock.RegisterOptions{Wait: 30 * time.Second}))
	rows := penstock.Rows{}
	for _, second := range []int{0, 30, 60, 150} {
		rows = append(rows, map[string]any{"page": "p", "n": 1, "ROWTIME": day.Add(time.Duration(second) * time.Second)})
	}
	written := Must(client.Append(ctx, clicks, rows))
	later := Must(client.GetWindows(ctx, counts, "p", penstock.Windows(day.Add(time.Minute), time.Time{}), penstock.AtLeast(written.Position),
		penstock.MaxWait(20*time.Second)))
	every := Must(client.GetWindows(ctx, counts, "p"))
	column := func(batch *penstock.Batch, name string) []any {
		out := []any{}
		for row := range batch.Rows() {
			out = append(out, Cells(row)[name])
		}
		return out
	}
	one := []any{}
	keys := []any{penstock.Key{"p", day}, penstock.Key{"p", day.Add(5 * time.Minute)}}
	for _, row := range Must(client.BatchGet(ctx, counts, keys)) {
		if row == nil {
			one = append(one, nil)
		} else {
			one = append(one, Cells(row)["many"])
		}
	}
	return Facts{
		"later": column(later, "many"), "all": column(every, "many"), "starts": column(every, "WINDOWSTART"), "one": one,
		"as_one_row": Reason(client.Get(ctx, counts, "p")),
	}
}
