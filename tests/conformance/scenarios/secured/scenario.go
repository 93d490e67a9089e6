// Package scenario: TLS, tokens and rights: see spec.md.
package scenario

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	orders := run.Name("orders")
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(Must(os.ReadFile(run.Settings["ca"]))) {
		panic("no authority in " + run.Settings["ca"])
	}
	secure := penstock.WithTLS(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12})
	as := func(token string) penstock.Option {
		return penstock.WithToken(func(context.Context) (string, error) { return token, nil })
	}
	once := penstock.WithRetry(penstock.Retry{Attempts: 1})
	admin, guest := run.Connect(secure, as(run.Settings["token"])), run.Connect(secure, as(run.Settings["reader"]))
	Must(admin.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	Must(admin.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}))
	named := func(name string) *penstock.Client {
		config := &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12, ServerName: name}
		return run.Connect(penstock.WithTLS(config), as(run.Settings["reader"]), once)
	}
	read := func(client *penstock.Client) []any {
		return Column(All(client.Subscribe(ctx, orders, penstock.From(penstock.Earliest), penstock.UntilEnd()).Rows()), "n")
	}
	add := func(client *penstock.Client) string {
		return Reason(client.Append(ctx, orders, penstock.Rows{{"k": "a", "n": 1}}, penstock.AsJSON()))
	}
	return Facts{
		"read": read(admin), "no_token": add(run.Connect(secure)), "wrong_token": add(run.Connect(secure, as("x"))),
		"reader_appends": add(guest), "reader_reads": read(guest), "plain": Reason(run.Connect(once).Cluster(ctx)),
		"stranger": Reason(run.Connect(penstock.WithTLS(nil), as("x"), once).Cluster(ctx)),
		"by_name":  read(named("localhost")), "other_name": Reason(named("other.example").Cluster(ctx)),
	}
}
