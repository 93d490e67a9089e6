package penstock

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "penstock.dev/client-go/gen/penstock/v1"
)

func TestABuiltTopologyIsTheMessage(t *testing.T) {
	shop := NewTopology("shop")
	purchases := shop.Stream("purchases")
	expensive := purchases.Filter("price > 100").Select("item", "price * 2 AS double_price", "CAST(price AS STRING) AS `Text`").Named("doubled")
	expensive.To("expensive")
	purchases.GroupBy("customer").Window(Tumbling(time.Minute).Grace(0)).Aggregate("SUM(price) AS total").To("totals")
	ways := purchases.Filter("price < 1").Branch(Case{"food", "department = 'food'"}, Case{"rest", ""})
	ways[0].Merge(ways[1]).LeftJoin(shop.Table("shop.customers"))
	got, err := shop.Message()
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.Topology{}
	if err := protojson.Unmarshal([]byte(`{"name": "shop", "nodes": [
		{"name": "purchases", "sourceStream": {"origin": {"relation": "purchases"}}},
		{"name": "filter", "inputs": ["purchases"], "filter": {"where": "price > 100"}},
		{"name": "doubled", "inputs": ["filter"], "select": {"columns": [{"expression": "item"},
			{"expression": "price * 2", "alias": "double_price"}, {"expression": "CAST(price AS STRING)", "alias": "Text"}]}},
		{"name": "expensive_sink", "inputs": ["doubled"], "sink": {"relation": "expensive"}},
		{"name": "group_by", "inputs": ["purchases"], "groupBy": {"keys": [{"expression": "customer"}]}},
		{"name": "aggregate", "inputs": ["group_by"], "aggregate": {"columns": [{"expression": "SUM(price)", "alias": "total"}],
			"window": {"kind": "WINDOW_KIND_TUMBLING", "size": "60s", "grace": "0s"}}},
		{"name": "totals_sink", "inputs": ["aggregate"], "sink": {"relation": "totals"}},
		{"name": "filter_2", "inputs": ["purchases"], "filter": {"where": "price < 1"}},
		{"name": "branch", "inputs": ["filter_2"], "branch": {"outputs": [{"name": "food", "where": "department = 'food'"}], "defaultOutput": "rest"}},
		{"name": "merge", "inputs": ["branch.food", "branch.rest"], "merge": {}},
		{"name": "shop_customers", "sourceTable": {"origin": {"relation": "shop.customers"}}},
		{"name": "join", "inputs": ["merge", "shop_customers"], "streamTableJoin": {"kind": "JOIN_KIND_LEFT"}}
	]}`), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %s", protojson.Format(got))
	}
}

func TestWhatNodesMayHaveBesides(t *testing.T) {
	shop := NewTopology("shop")
	window := Tumbling(time.Hour)
	hourly := shop.StreamFrom(Source{
		Relation: "hourly", Columns: "k STRING KEY, n INT, at BIGINT", Window: &window, TimeColumn: "at", OnBadTime: BadTimeIsSkipped,
		Binding: &Binding{Topic: "hours", Retention: 24 * time.Hour},
	})
	cars := shop.Table("cars")
	cars.SuppressWith(Suppression{TimeLimit: time.Second, MaxRecords: 10, StopWhenFull: true})
	cars.SuppressWith(Suppression{})
	hourly.Process(Plugin{Processor: "nearby", Others: []Input{cars, hourly}})
	got, err := shop.Message()
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.Topology{}
	if err := protojson.Unmarshal([]byte(`{"name": "shop", "nodes": [
		{"name": "hourly", "sourceStream": {"time": {"column": "at", "onBadTime": "ON_BAD_TIME_SKIP"}, "origin": {"inline": {
			"schema": {"columns": [{"name": "k", "type": {"sql": "STRING"}, "role": "COLUMN_ROLE_KEY"},
				{"name": "n", "type": {"sql": "INT"}, "role": "COLUMN_ROLE_VALUE"}, {"name": "at", "type": {"sql": "BIGINT"}, "role": "COLUMN_ROLE_VALUE"}]},
			"topic": {"topic": "hours", "create": {"retention": "86400s"}}, "window": {"kind": "WINDOW_KIND_TUMBLING", "size": "3600s"}}}}},
		{"name": "cars", "sourceTable": {"origin": {"relation": "cars"}}},
		{"name": "suppress", "inputs": ["cars"], "suppress": {"timeLimit": "1s", "maxRecords": 10, "whenFull": "WHEN_FULL_STOP"}},
		{"name": "suppress_2", "inputs": ["cars"], "suppress": {"windowCloses": true}},
		{"name": "process", "inputs": ["hourly", "cars", "hourly"], "processor": {"processor": "nearby"}}
	]}`), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %s", protojson.Format(got))
	}
}

func TestColumnsAreRead(t *testing.T) {
	schema, err := parseColumns("id BIGINT PRIMARY KEY, `Odd, \u0060\u0060name` STRUCT<a INT, b DECIMAL(4, 2)>, m MAP<STRING, INT> ")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, column := range schema.GetColumns() {
		got = append(got, column.GetName()+"|"+column.GetType().GetSql()+"|"+column.GetRole().String())
	}
	want := "id|BIGINT|COLUMN_ROLE_KEY;Odd, `name|STRUCT<a INT, b DECIMAL(4, 2)>|COLUMN_ROLE_VALUE;m|MAP<STRING, INT>|COLUMN_ROLE_VALUE"
	if strings.Join(got, ";") != want {
		t.Errorf("got %v", got)
	}
}

func TestMistakesOfTheBuilderAreToldByMessage(t *testing.T) {
	shop := NewTopology("shop")
	shop.StreamFrom(Source{Relation: "purchases", Columns: "customer"}).To("x")
	if _, err := shop.Message(); err == nil || !strings.Contains(err.Error(), `topology shop: penstock: "customer" is no column`) {
		t.Errorf("got %v", err)
	}
}
