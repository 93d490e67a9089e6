package penstock_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"penstock.dev/client-go"
	pb "penstock.dev/client-go/gen/penstock/v1"
)

// service is a client of a real node, whose address PENSTOCK_ADDRESS is.
func service(t *testing.T) (*penstock.Client, context.Context) {
	t.Helper()
	address := os.Getenv("PENSTOCK_ADDRESS")
	if address == "" {
		t.Skip("no service: PENSTOCK_ADDRESS is not set")
	}
	client, err := penstock.New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	t.Cleanup(cancel)
	return client, ctx
}

// must is the value of a call that may not fail here.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestEveryTypeThroughTheService(t *testing.T) {
	client, ctx := service(t)
	must(client.CreateTable(ctx, "go_types", `ID BIGINT PRIMARY KEY, B BOOLEAN, I INT, D DOUBLE, M DECIMAL(38, 10), S STRING, Y BYTES,
		DAY DATE, CLOCK TIME, AT TIMESTAMP, LIST ARRAY<ARRAY<BIGINT>>, BYNAME MAP<STRING, DECIMAL(4, 2)>,
		HOME STRUCT<STREET STRING, ZIPS ARRAY<INT>>`, penstock.Binding{}))
	kept := penstock.NewTopology("go_kept")
	kept.Table("go_types").Named("rows").ToStream()
	must(client.RegisterTopology(ctx, kept, penstock.RegisterOptions{Wait: 30 * time.Second}))
	rows := penstock.Rows{
		{
			"ID": int64(math.MaxInt64), "B": true, "I": int32(math.MinInt32), "D": math.SmallestNonzeroFloat64,
			"M": "-9999999999999999999999999999.9999999999", "S": "żółw \U0001F422", "Y": []byte{0, 255},
			"DAY": penstock.Date{Year: 1, Month: time.January, Day: 1}, "CLOCK": penstock.Clock(23, 59, 59, 999),
			"AT": time.UnixMilli(253402300799999).UTC(), "LIST": []any{[]any{int64(math.MinInt64), nil}, []any{}},
			"BYNAME": map[string]any{"a": "1.50", "": nil}, "HOME": map[string]any{"STREET": "", "ZIPS": []any{int32(1)}},
		},
		{
			"ID": int64(math.MinInt64), "B": false, "I": nil, "D": nil, "M": nil, "S": nil, "Y": nil, "DAY": nil, "CLOCK": nil, "AT": nil,
			"LIST": nil, "BYNAME": nil, "HOME": nil,
		},
	}
	sent := rows
	for asJSON, options := range map[bool][]penstock.AppendOption{false: nil, true: {penstock.AsJSON()}} {
		rows := rows
		if asJSON {
			first := maps.Clone(rows[0])
			first["M"] = json.Number(first["M"].(string))
			first["BYNAME"] = map[string]any{"a": json.Number("1.50"), "": nil}
			rows = penstock.Rows{first, rows[1]}
		}
		written := must(client.Append(ctx, "go_types", rows, options...))
		for _, want := range sent {
			row := must(client.Get(ctx, "go_kept.rows", want["ID"], penstock.AtLeast(written.Position)))
			got := row.Map()
			delete(got, "ROWTIME")
			if !reflect.DeepEqual(got, map[string]any(want)) {
				t.Errorf("as JSON %v:\n got %v\nwant %v", asJSON, got, want)
			}
		}
	}
}

type spend struct {
	Customer string
	Total    *float64
}

func TestALifeOfATopology(t *testing.T) {
	client, ctx := service(t)
	must(client.CreateStream(ctx, "go_purchases", "customer STRING KEY, item STRING, price DOUBLE", penstock.Binding{Partitions: 2}))
	shop := penstock.NewTopology("go_shop")
	purchases := shop.Stream("go_purchases")
	purchases.GroupBy().Aggregate("SUM(price) AS total").Named("totals").To("go_spend")
	purchases.GroupBy().Window(penstock.Tumbling(time.Minute)).Aggregate("COUNT(*) AS n").Named("by_minute")
	info := must(client.RegisterTopology(ctx, shop, penstock.RegisterOptions{Wait: 30 * time.Second}))
	if info.State != penstock.Running || info.Position == "" {
		t.Fatalf("got %+v", info)
	}
	if text := must(client.Explain(ctx, "go_shop", false)); text == "" {
		t.Error("no plan")
	}

	appender := must(client.Appender(ctx, "go_purchases"))
	defer appender.Close()
	for n := range 10 {
		at := time.UnixMilli(int64(n) * 30_000).UTC()
		if err := appender.Append(ctx, penstock.Rows{{"customer": "a", "price": n, "ROWTIME": at}, {"customer": "b", "price": 0.5, "ROWTIME": at}}); err != nil {
			t.Fatal(err)
		}
	}
	token := must(appender.Flush(ctx))
	row := must(client.Get(ctx, "go_spend", "a", penstock.AtLeast(token)))
	var got spend
	if err := row.Decode(&got); err != nil || got.Customer != "a" || *got.Total != 45 {
		t.Errorf("got %+v, %v", got, err)
	}
	if none, err := client.Get(ctx, "go_spend", "nobody", penstock.AtLeast(token), penstock.MaxWait(time.Second)); none != nil || err != nil {
		t.Errorf("got %v, %v", none, err)
	}
	rows := must(client.BatchGet(ctx, "go_spend", []any{"b", "nobody", "a"}))
	if total, _ := penstock.Cell[float64](rows[0], "total"); total != 5 || rows[1] != nil || rows[2] == nil {
		t.Errorf("got %v", rows)
	}
	windows := must(client.GetWindows(ctx, "go_shop.by_minute", "a", penstock.AtLeast(token), penstock.Windows(time.UnixMilli(60_000), time.Time{})))
	if windows.Len() != 4 {
		t.Errorf("got %d windows", windows.Len())
	}
	windowed := must(client.BatchGet(ctx, "go_shop.by_minute", []any{penstock.Key{"a", time.UnixMilli(60_000)}}))
	if n, _ := penstock.Cell[int](windowed[0], "n"); n != 2 {
		t.Errorf("got %v", windowed)
	}

	scan := client.Scan(ctx, "go_spend", penstock.Where("total > :least"), penstock.With(penstock.Parameters{"least": 10.0}))
	scanned := 0
	for row, err := range scan.Rows() {
		if must(row, err); scanned == 0 {
			scanned++
		}
	}
	if scanned != 1 || scan.Position() == "" {
		t.Errorf("got %d rows, position %q", scanned, scan.Position())
	}
	caughtUp, seen := false, map[string]float64{}
	must(client.Append(ctx, "go_purchases", penstock.RowsOf(struct {
		Customer string
		Price    float64
	}{"c", 7})))
	subscription := client.Subscribe(ctx, "go_spend", penstock.From(penstock.After(scan.Position())), penstock.Limit(1))
	for event, err := range subscription.Events() {
		switch event := must(event, err).(type) {
		case *penstock.CaughtUp:
			caughtUp = true
		case *penstock.Batch:
			for row := range event.Rows() {
				customer, _ := penstock.Cell[string](row, "customer")
				seen[customer], _ = penstock.Cell[float64](row, "total")
			}
		}
	}
	if !reflect.DeepEqual(seen, map[string]float64{"c": 7}) {
		t.Errorf("got %v, caught up %v", seen, caughtUp)
	}

	if tasks := must(client.Tasks(ctx, "go_shop")); len(tasks) != 2 || tasks[0].State != "RUNNING" {
		t.Errorf("got %v", tasks)
	}
	must(client.PauseTopology(ctx, "go_shop"))
	must(client.ResetTopology(ctx, "go_shop", penstock.ResetOptions{}))
	must(client.ResumeTopology(ctx, "go_shop"))
	var inUse *penstock.RelationInUseError
	if _, err := client.DropRelation(ctx, "go_purchases", penstock.DropOptions{}); !errors.As(err, &inUse) {
		t.Errorf("got %v", err)
	}
	must(client.DeleteTopology(ctx, "go_shop", penstock.DropOptions{Topics: true}))
	must(client.DropRelation(ctx, "go_purchases", penstock.DropOptions{Topics: true}))
	for info, err := range client.Topologies(ctx) {
		if must(info, err).Name == "go_shop" {
			t.Error("it is still there")
		}
	}
}

func TestSQLThroughTheService(t *testing.T) {
	client, ctx := service(t)
	results := must(client.SQL(ctx, `
		CREATE STREAM go_orders (id STRING KEY, amount BIGINT) WITH (kafka_topic='go_orders', partitions=1, value_format='JSON');
		CREATE TABLE go_sums AS SELECT id, SUM(amount) AS total FROM go_orders GROUP BY id;
		INSERT INTO go_orders (id, amount) VALUES ('x', 9007199254740993);
		SHOW STREAMS;`))
	if len(results) != 4 || results[0].Relation == nil || results[1].Topology == nil || results[3].Rows == nil {
		t.Fatalf("got %v", results)
	}
	query := client.Query(ctx, "SELECT id, total FROM go_sums WHERE total > :least EMIT CHANGES;", penstock.With(penstock.Parameters{"least": 5}), penstock.Limit(1))
	for row, err := range query.Rows() {
		if total, _ := penstock.Cell[int64](must(row, err), "total"); total != 9007199254740993 {
			t.Errorf("got %v", row)
		}
	}
	count := 0
	for row, err := range client.Query(ctx, "SELECT * FROM go_sums WHERE id = 'x';", penstock.AtLeast(results[2].Position)).Rows() {
		must(row, err)
		count++
	}
	if count != 1 {
		t.Errorf("got %d rows", count)
	}
	var invalid *penstock.InvalidExpressionError
	if _, err := client.SQL(ctx, "SELEKT 1;"); !errors.As(err, &invalid) || invalid.Expression == nil {
		t.Errorf("got %v", err)
	}
}

func TestRefusalsOfTheService(t *testing.T) {
	client, ctx := service(t)
	var unknown *penstock.UnknownRelationError
	if _, err := client.Get(ctx, "go_nothing", 1); !errors.As(err, &unknown) {
		t.Errorf("got %T %v", err, err)
	}
	var malformed *penstock.MalformedTokenError
	must(client.CreateStream(ctx, "go_raw", "id STRING KEY, n INT", penstock.Binding{}))
	for _, err := range client.Subscribe(ctx, "go_raw", penstock.From(penstock.After("no token"))).Rows() {
		if !errors.As(err, &malformed) {
			t.Errorf("got %v", err)
		}
	}
	records := []penstock.Record{{Key: []byte("a"), Value: []byte(`{"N":1}`), Headers: []penstock.Header{{Key: "h"}}}, {Key: []byte("b"), Value: []byte(`{"N":`)}}
	var invalid *penstock.InvalidRowError
	if _, err := client.AppendRecords(ctx, "go_raw", records); !errors.As(err, &invalid) || invalid.RowErrors[0].Row != 1 {
		t.Errorf("got %T %v", err, err)
	}
	if result, err := client.AppendRecords(ctx, "go_raw", records, penstock.SkipInvalid()); err != nil || result.Rows != 1 || len(result.RowErrors) != 1 {
		t.Errorf("got %v, %v", result, err)
	}
	for sequence, duplicate := range []bool{false, true} {
		result, err := client.Append(ctx, "go_raw", penstock.Rows{{"id": "a", "n": 2}}, penstock.Producer("go-till", 1))
		if err != nil || result.Duplicate != duplicate {
			t.Errorf("%d: got %v, %v", sequence, result, err)
		}
	}
	var gap *penstock.SequenceGapError
	if _, err := client.Append(ctx, "go_raw", penstock.Rows{{"id": "a"}}, penstock.Producer("go-till", 5)); !errors.As(err, &gap) {
		t.Errorf("got %T %v", err, err)
	}
	var type1 *penstock.TypeMismatchError
	shop := &pb.Topology{Name: "go_wrong", Nodes: []*pb.Node{
		{Name: "s", Operator: &pb.Node_SourceStream{SourceStream: &pb.SourceStream{Origin: &pb.Origin{Origin: &pb.Origin_Relation{Relation: "go_raw"}}}}},
		{Name: "f", Inputs: []string{"s"}, Operator: &pb.Node_Filter{Filter: &pb.Filter{Where: "n + 1"}}},
	}}
	if _, err := client.RegisterTopology(ctx, penstock.DefinitionOf(shop), penstock.RegisterOptions{}); !errors.As(err, &type1) || type1.Expression == nil {
		t.Errorf("got %T %v", err, err)
	}
}
