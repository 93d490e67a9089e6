// Package scenario: What is registered is saved, lost and brought back: see spec.md.
package scenario

import (
	"context"
	"slices"
	"strings"
	"time"

	"penstock.dev/client-go"
	pb "penstock.dev/client-go/gen/penstock/v1"

	. "penstock.dev/conformance/drivers/go/support"
)

// Scenario is played by the driver.
func Scenario(ctx context.Context, run *Run) Facts {
	client := run.Client()
	orders, totals, name, extra := run.Name("orders"), run.Name("totals"), run.Name("counts"), run.Name("extra")
	made := Must(client.CreateRelation(ctx, &pb.Relation{
		Name: orders, Kind: pb.RelationKind_RELATION_KIND_STREAM, Topic: &pb.TopicBinding{Create: &pb.TopicSpec{Partitions: 1}},
		Schema: &pb.Schema{Columns: []*pb.Column{
			{Name: "k", Type: &pb.Type{Sql: "STRING"}, Role: pb.ColumnRole_COLUMN_ROLE_KEY}, {Name: "n", Type: &pb.Type{Sql: "INT"}},
		}},
	}))
	counts := penstock.NewTopology(name)
	counts.Stream(orders).GroupBy().Aggregate("SUM(n) AS total").To(totals)
	Must(client.RegisterTopology(ctx, counts, penstock.RegisterOptions{Wait: 30 * time.Second}))
	backup := Must(client.BackupRegistry(ctx))
	Must(client.CreateStream(ctx, extra, "k STRING KEY", penstock.Binding{}))
	notEmpty := Reason(client.RestoreRegistry(ctx, backup, penstock.RestoreOptions{}))
	would := Must(client.RestoreRegistry(ctx, backup, penstock.RestoreOptions{Replace: true, ValidateOnly: true}))
	Must(client.DeleteTopology(ctx, name, penstock.DropOptions{}))
	Must(client.DropRelation(ctx, extra, penstock.DropOptions{}))
	Must(client.DropRelation(ctx, orders, penstock.DropOptions{}))
	damaged := Reason(client.RestoreRegistry(ctx, backup[:len(backup)-5], penstock.RestoreOptions{}))
	done := Must(client.RestoreRegistry(ctx, backup, penstock.RestoreOptions{}))
	back := []string{}
	for relation, err := range client.Relations(ctx, false) {
		back = append(back, Must(relation, err).Name)
	}
	again := Must(client.Topology(ctx, name)).Name == name
	Must(client.DeleteTopology(ctx, name, penstock.DropOptions{}))
	Must(client.DropRelation(ctx, orders, penstock.DropOptions{Topics: true}))
	own := func(names []string) []string {
		out := []string{}
		for _, one := range names {
			out = append(out, strings.TrimPrefix(one, run.Name("")))
		}
		slices.Sort(out)
		return out
	}
	return Facts{
		"kind": made.Kind, "not_empty": notEmpty, "would_forget": own(would.Forgotten), "would_position": would.Position, "damaged": damaged,
		"topologies": own(done.Topologies), "relations": own(done.Relations), "position": done.Position != "", "back": own(back), "again": again,
	}
}
