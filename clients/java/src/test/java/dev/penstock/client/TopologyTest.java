package dev.penstock.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.TextFormat;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TopologyTest {

    @Test
    void aBuiltTopologyIsTheMessage() throws Exception {
        Topology shop = new Topology("shop");
        TopologyStream purchases = shop.stream("purchases");
        purchases.filter("price > 100").select("item", "price * 2 AS double_price", "CAST(price AS STRING) AS `Text`").named("doubled").to("expensive");
        purchases.groupBy("customer").window(Window.tumbling(Duration.ofMinutes(1)).grace(Duration.ZERO)).aggregate("SUM(price) AS total").to("totals");
        Map<String, String> ways = new LinkedHashMap<>();
        ways.put("food", "department = 'food'");
        ways.put("rest", "");
        Map<String, TopologyStream> branches = purchases.filter("price < 1").branch(ways);
        branches.get("food").merge(branches.get("rest")).leftJoin(shop.table("shop.customers"));
        purchases.processRemotely(new Remote("points").output("rewards", "points BIGINT").keepsKey().store("totals", "points BIGINT")).output("rewards").toTable();
        dev.penstock.v1.Topology.Builder want = dev.penstock.v1.Topology.newBuilder();
        TextFormat.merge("""
                name: "shop"
                nodes { name: "purchases" source_stream { origin { relation: "purchases" } } }
                nodes { name: "filter" inputs: "purchases" filter { where: "price > 100" } }
                nodes { name: "doubled" inputs: "filter" select { columns { expression: "item" }
                  columns { expression: "price * 2" alias: "double_price" } columns { expression: "CAST(price AS STRING)" alias: "Text" } } }
                nodes { name: "expensive_sink" inputs: "doubled" sink { relation: "expensive" } }
                nodes { name: "group_by" inputs: "purchases" group_by { keys { expression: "customer" } } }
                nodes { name: "aggregate" inputs: "group_by" aggregate { columns { expression: "SUM(price)" alias: "total" }
                  window { kind: WINDOW_KIND_TUMBLING size { seconds: 60 } grace { } } } }
                nodes { name: "totals_sink" inputs: "aggregate" sink { relation: "totals" } }
                nodes { name: "filter_2" inputs: "purchases" filter { where: "price < 1" } }
                nodes { name: "branch" inputs: "filter_2" branch { outputs { name: "food" where: "department = 'food'" } default_output: "rest" } }
                nodes { name: "merge" inputs: "branch.food" inputs: "branch.rest" merge { } }
                nodes { name: "shop_customers" source_table { origin { relation: "shop.customers" } } }
                nodes { name: "join" inputs: "merge" inputs: "shop_customers" stream_table_join { kind: JOIN_KIND_LEFT } }
                nodes { name: "process" inputs: "purchases" remote_processor { processor: "points"
                  outputs { name: "rewards" keeps_key: true schema { columns { name: "points" type { sql: "BIGINT" } role: COLUMN_ROLE_VALUE } } }
                  stores { name: "totals" schema { columns { name: "points" type { sql: "BIGINT" } role: COLUMN_ROLE_VALUE } } } } }
                nodes { name: "to_table" inputs: "process.rewards" to_table { } }
                """, want);
        assertEquals(want.build(), shop.message());
    }

    @Test
    void columnsAreRead() {
        List<String> got = Columns.parse("id BIGINT PRIMARY KEY, `Odd, ``name` STRUCT<a INT, b DECIMAL(4, 2)>, m MAP<STRING, INT> ").getColumnsList().stream()
                .map(column -> column.getName() + "|" + column.getType().getSql() + "|" + Names.bare(column.getRole(), "COLUMN_ROLE_")).toList();
        assertEquals(List.of("id|BIGINT|KEY", "Odd, `name|STRUCT<a INT, b DECIMAL(4, 2)>|VALUE", "m|MAP<STRING, INT>|VALUE"), got);
        assertEquals("'customer' is no column: write NAME TYPE or NAME TYPE KEY",
                assertThrows(IllegalArgumentException.class, () -> Source.declared("x", "customer")).getMessage());
    }

    @Test
    void aHandlerIsTriedWithoutAService() throws Exception {
        RowHandler points = (row, at) -> {
            if (row.get("price") == null) {
                throw new IllegalStateException("no price for " + at.key().values().get(0));
            }
            Map<String, Object> before = at.state("totals");
            long total = row.get("price", Double.class).longValue() + (before == null ? 0 : (long) before.get("points"));
            at.put("totals", Map.of("points", total));
            at.send("rewards", Map.of("points", total));
        };
        Trial trial = new Trial("customer STRING KEY, price DOUBLE").output("rewards", "customer STRING KEY, points BIGINT")
                .store("totals", "points BIGINT", List.of(Map.of("customer", "a", "points", 10L)));
        Bundle bundle = trial.runRows(points, List.of(
                Map.of("customer", "a", "price", 2.5), Map.of("customer", "b", "price", 1.0), Map.of("customer", "a", "price", 3.0)));
        assertEquals(List.of(
                Map.of("customer", "a", "points", 12L), Map.of("customer", "b", "points", 1L), Map.of("customer", "a", "points", 15L)), bundle.sent("rewards"));
        assertEquals(Map.of("customer", "a", "points", 15L), bundle.state("totals", Key.of("a")));
        var bad = assertThrows(BadRowsException.class, () -> trial.runRows(points, List.of(Map.of("customer", "a", "price", 1.0), Map.of("customer", "z"))));
        assertEquals(List.of(1), bad.rows());
        assertEquals("no price for z", bad.getMessage());
        assertEquals("trial has no output gone; there are rewards", assertThrows(IllegalArgumentException.class,
                () -> trial.run(b -> b.send("gone", Map.of(), 0), List.of(Map.of("customer", "a")))).getMessage());
    }
}
