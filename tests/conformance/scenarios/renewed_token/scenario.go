// Package scenario: A stream goes on with new credentials when its own have expired: see spec.md.
package scenario

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"iter"
	"os"
	"time"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	orders, reader := run.Name("orders"), run.Settings["reader"]
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(Must(os.ReadFile(run.Settings["ca"])))
	secure := penstock.WithTLS(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12})
	with := func(token *string) *penstock.Client {
		return run.Connect(secure, penstock.WithToken(func(context.Context) (string, error) { return *token, nil }))
	}
	token, present := run.Settings["token"], reader
	admin, renewing, fixed := with(&token), with(&present), with(&reader)
	Must(admin.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 1}))
	subscribe := func(client *penstock.Client) *penstock.Subscription {
		return client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.ProgressInterval(500*time.Millisecond))
	}
	next, stop := iter.Pull2(subscribe(fixed).Rows())
	defer stop()
	values, reconnects, ended := []any{}, []string{}, ""
	append1 := func(n int) { Must(admin.Append(ctx, orders, penstock.Rows{{"k": "a", "n": n}})) }
	append1(0)
	for event, err := range subscribe(renewing).Events() {
		Check(err)
		switch event := event.(type) {
		case *penstock.Reconnecting:
			reconnects = append(reconnects, Reason("", event.Err))
		case *penstock.Batch:
			for row := range event.Rows() {
				values = append(values, Cells(row)["n"])
			}
			if len(values) == 2 {
				return Facts{"fixed": ended, "values": values, "reconnects": reconnects}
			}
			next()
			present = run.Ask("exchange_token", nil)["token"].(string)
			_, err, _ := next()
			ended = Reason("", err)
			append1(1)
		}
	}
	panic("the subscription ended")
}
