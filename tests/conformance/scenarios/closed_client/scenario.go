// Package scenario: Closing ends what waits, promptly: see spec.md.
package scenario

import (
	"context"
	"errors"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	other := run.Connect()
	appender := Must(other.Appender(ctx, orders))
	Check(appender.Append(ctx, penstock.Rows{{"k": "a", "n": 1}}))
	Must(appender.Flush(ctx))
	waits, ended := make(chan bool, 100), make(chan error, 1)
	go func() {
		for _, err := range other.Subscribe(ctx, orders, penstock.From(penstock.Latest)).Events() {
			if err != nil {
				ended <- err
				return
			}
			waits <- true
		}
		ended <- nil
	}()
	<-waits
	began := time.Now()
	Check(other.Close())
	over := errors.Is(<-ended, penstock.ErrClosed)
	return Facts{
		"ended": over, "in_time": time.Since(began) < 2*time.Second, "call": Reason(other.Cluster(ctx)),
		"appender": Reason("", appender.Append(ctx, penstock.Rows{{"k": "a", "n": 2}})),
	}
}
