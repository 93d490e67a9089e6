// Package scenario: A newer stream of a producer ends the older one: see spec.md.
package scenario

import (
	"context"
	"fmt"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, producer := run.Name("orders"), run.Name("till")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	older := Must(client.Appender(ctx, orders, penstock.Producer(producer, 0)))
	defer older.Close()
	Check(older.Append(ctx, penstock.Rows{{"k": "a", "n": 1}}))
	Must(older.Flush(ctx))
	newer := Must(client.Appender(ctx, orders, penstock.Producer(producer, 0)))
	defer newer.Close()
	last := Must(newer.LastSequence(ctx))
	goOn := func(appender *penstock.Appender) (string, error) {
		if err := appender.Append(ctx, penstock.Rows{{"k": "a", "n": 2}}); err != nil {
			return "", err
		}
		return appender.Flush(ctx)
	}
	fenced, fine := Reason(goOn(older)), Reason(goOn(newer))
	rows := All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows())
	return Facts{"last_sequence": fmt.Sprint(last), "first": fenced, "second": fine, "rows": len(rows)}
}
