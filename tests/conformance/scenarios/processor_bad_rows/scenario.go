// Package scenario: Rows that a remote processor fails on become dead letters, and the others are processed: see spec.md.
package scenario

import (
	"context"
	"errors"
	"strings"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	payments, out, processor := run.Name("payments"), run.Name("out"), run.Name("half")
	met := false
	half := penstock.RowFunc(func(row *penstock.Row, c *penstock.RowContext) error {
		n := Must(penstock.Cell[int64](row, "n"))
		var sent any = n / 2
		switch {
		case n == 4 && !met:
			met = true
			return penstock.ErrRetryBundle
		case n == 3:
			return errors.New("three is odd")
		case n == 5:
			sent = "a text"
		}
		c.Send("halves", map[string]any{"n": sent})
		return nil
	})
	Must(client.CreateStream(ctx, payments, "k STRING KEY, n BIGINT", penstock.Binding{Partitions: 1}))
	halves := penstock.NewTopology(run.Name("halves"))
	halves.Stream(payments).ProcessRemotely(penstock.Remote{
		Processor: processor, Outputs: map[string]string{"halves": "k STRING KEY, n BIGINT"}, KeepsKey: true, MaxAttempts: 3,
	}).Named("half").Output("halves").To(out)
	Must(client.RegisterTopology(ctx, halves, penstock.RegisterOptions{Wait: 30 * time.Second}))
	stop := run.Serve(ctx, map[string]penstock.Handler{processor: half})
	take := func(relation string, count uint64) []Facts {
		rows := []Facts{}
		for _, row := range All(client.Subscribe(ctx, relation, penstock.From(penstock.Earliest), penstock.Limit(count)).Rows()) {
			rows = append(rows, Cells(row))
		}
		return rows
	}
	Must(client.Append(ctx, payments, penstock.Rows{{"k": "a", "n": 2}, {"k": "b", "n": 3}, {"k": "c", "n": 4}}))
	take(out, 2)
	Must(client.Append(ctx, payments, penstock.Rows{{"k": "d", "n": 5}}))
	letters := take(halves.Name()+".dead_letter", 2)
	Must(client.Append(ctx, payments, penstock.Rows{{"k": "e", "n": 6}}))
	values := []any{}
	for _, row := range take(out, 3) {
		values = append(values, row["n"])
	}
	stop()
	says := func(letter Facts, what string) bool { return strings.Contains(letter["REASON"].(string), what) }
	return Facts{
		"values": values, "nodes": []any{letters[0]["NODE"], letters[1]["NODE"]},
		"odd": says(letters[0], "three is odd"), "wrong_type": says(letters[1], "output halves, column n"),
	}
}
