// Package scenario: Definitions are refused with the reason and the place of each mistake: see spec.md.
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
	orders, other, out := run.Name("orders"), run.Name("other"), run.Name("out")
	Must(client.CreateStream(ctx, orders, "k STRING KEY, n INT", penstock.Binding{Partitions: 2}))
	Must(client.CreateStream(ctx, other, "k STRING KEY, m INT", penstock.Binding{Partitions: 3}))
	check := func(build func(t *penstock.Topology)) error {
		topology := penstock.NewTopology(run.Name("t"))
		build(topology)
		_, err := client.RegisterTopology(ctx, topology, penstock.RegisterOptions{ValidateOnly: true})
		return err
	}
	why := func(build func(t *penstock.Topology)) string { return Reason("", check(build)) }
	misspelt := penstock.NewTopology(run.Name("t"))
	misspelt.Stream(orders).To(out)
	message := Must(misspelt.Message())
	message.Nodes[1].Inputs = []string{"nobody"}
	input := Reason(client.RegisterTopology(ctx, penstock.DefinitionOf(message), penstock.RegisterOptions{ValidateOnly: true}))
	avro := penstock.SinkOptions{Binding: &penstock.Binding{Topic: run.Name("avro"), ValueFormat: "AVRO"}}
	published := penstock.NewTopology(run.Name("first"))
	published.Stream(orders).ToWith(run.Name("first_out"), avro)
	Must(client.RegisterTopology(ctx, published, penstock.RegisterOptions{Wait: 30 * time.Second}))
	texts := penstock.NewTopology(run.Name("texts"))
	texts.Stream(orders).Select("CAST(n AS STRING) AS n").ToWith(out, avro)
	half := func(t *penstock.Topology) { t.Stream(orders).Filter("n >").Named("f").To(out) }
	place := []any{}
	var wrong *penstock.Error
	if errors.As(check(half), &wrong) && wrong.Expression != nil {
		place = []any{wrong.Expression.Node, wrong.Expression.Start, wrong.Expression.End}
	}
	return Facts{
		"source": why(func(t *penstock.Topology) { t.Stream(run.Name("none")).To(out) }),
		"column": why(func(t *penstock.Topology) { t.Stream(orders).Filter("nn > 1").To(out) }), "expression": why(half), "place": place,
		"types":    why(func(t *penstock.Topology) { t.Stream(orders).Filter("n > 'x'").To(out) }),
		"function": why(func(t *penstock.Topology) { t.Stream(orders).Select("NO_SUCH(n) AS x").To(out) }),
		"twice":    why(func(t *penstock.Topology) { t.Stream(orders).Named("x"); t.Stream(other).Named("x") }),
		"join": why(func(t *penstock.Topology) {
			t.Stream(orders).JoinStream(t.Stream(other), penstock.Within(time.Second)).To(out)
		}),
		"processor": why(func(t *penstock.Topology) {
			t.Stream(orders).Process(penstock.Plugin{Processor: "no_such"}).Output("out").To(out)
		}),
		"schema": why(func(t *penstock.Topology) {
			t.StreamFrom(penstock.Source{Relation: run.Name("in"), Columns: "k STRING KEY, n NOPE"}).To(out)
		}),
		"format": why(func(t *penstock.Topology) {
			t.Stream(orders).ToWith(out, penstock.SinkOptions{Binding: &penstock.Binding{ValueFormat: "NOPE"}})
		}),
		"input": input, "incompatible": Reason(client.RegisterTopology(ctx, texts, penstock.RegisterOptions{})),
	}
}
