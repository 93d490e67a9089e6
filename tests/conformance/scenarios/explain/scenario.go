// Package scenario: A definition and a registered topology are explained: see spec.md.
package scenario

import (
	"context"
	"strings"

	"penstock.dev/client-go"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders := run.Name("orders")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{}))
	big := penstock.NewTopology(run.Name("big"))
	big.Stream(orders).Filter("n > 10").To(run.Name("large"))
	text := Must(client.ExplainDefinition(ctx, big, false))
	registered := Reason(client.Topology(ctx, big.Name()))
	Must(client.RegisterTopology(ctx, big, penstock.RegisterOptions{}))
	source := Must(client.Explain(ctx, big.Name(), true))
	return Facts{
		"has_expression": strings.Contains(text, "filter `n` > 10"), "registered": registered,
		"has_source": strings.Contains(source, "def ") && len(source) > len(text),
	}
}
