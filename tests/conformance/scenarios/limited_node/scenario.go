// Package scenario: A node at its limits, and without what it should have: see spec.md.
package scenario

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	orders, authorities := run.Name("orders"), x509.NewCertPool()
	authorities.AppendCertsFromPEM(Must(os.ReadFile(run.Settings["ca"])))
	own := Must(tls.LoadX509KeyPair(run.Settings["cert"], run.Settings["key"]))
	shown := penstock.WithTLS(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}})
	single := penstock.WithRetry(penstock.Retry{Attempts: 1})
	client, once := run.Connect(shown), run.Connect(shown, single)
	stranger := run.Connect(penstock.WithTLS(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}), single)
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	broken := penstock.NewTopology(run.Name("t"))
	broken.Stream(orders).Process(penstock.Plugin{Processor: "broken"}).Output("out").To(run.Name("out"))
	found := Facts{"stranger": Reason(stranger.Cluster(ctx)), "plugin": Reason(client.RegisterTopology(ctx, broken, penstock.RegisterOptions{ValidateOnly: true}))}
	var schemas *penstock.SchemaRegistryUnavailableError
	if _, err := once.CreateStream(ctx, run.Name("avro"), "k STRING KEY, n INT", penstock.Binding{ValueFormat: "AVRO"}); errors.As(err, &schemas) {
		found["schemas"], found["later_ms"] = schemas.Reason, schemas.RetryAfter.Milliseconds()
	}
	Must(client.SQL(ctx, "SET 'auto.offset.reset' = 'earliest';"))
	Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}))
	push := fmt.Sprintf(`SELECT "k", SUM("n") AS "total" FROM "%s" GROUP BY "k" EMIT CHANGES;`, orders)
	totals := []any{}
	for row, err := range client.Query(ctx, push, penstock.Limit(2)).Rows() {
		total, _ := Must(row, err).Value("total")
		if totals = append(totals, total); len(totals) > 1 {
			continue
		}
		for _, err := range client.Query(ctx, push).Rows() {
			var queries *penstock.TooManyQueriesError
			if errors.As(err, &queries) {
				found["queries"], found["limit"] = queries.Reason, queries.Metadata["limit"]
			}
			break
		}
		Must(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 2}}))
	}
	found["totals"] = totals
	return found
}
