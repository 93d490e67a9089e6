package conformance;

import static conformance.Run.all;
import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Queries are pulled once or pushed as changes come, with parameters: see spec.md. */
final class SqlQueries implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        String script = """
                CREATE STREAM "%1$s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%1$s', partitions=1, value_format='JSON');
                CREATE TABLE "%2$s" AS SELECT "k", SUM("n") AS "total" FROM "%1$s" GROUP BY "k";""".formatted(orders, totals);
        client.execute(script);
        String token = client.append(orders, List.of(Map.of("k", "a", "n", 1), Map.of("k", "b", "n", 2))).position();
        List<Object> pulled = new ArrayList<>();
        client.query("SELECT \"k\", \"total\" FROM \"" + totals + "\" WHERE \"k\" = :key;",
                o -> o.with(Map.of("key", "b")).atLeast(token).maxWait(Duration.ofSeconds(20))).forEach(row -> pulled.add(cells(row)));
        client.execute("SET 'auto.offset.reset' = 'earliest';");
        List<Object> pushed = new ArrayList<>();
        String push = "SELECT \"k\", \"n\" * 2 AS \"double\" FROM \"" + orders + "\" WHERE \"n\" > :least EMIT CHANGES;";
        for (Row row : client.query(push, o -> o.with(Map.of("least", 1)).limit(2))) {
            if (pushed.isEmpty()) {
                run.append(orders, List.of(Map.of("k", "c", "n", 9)));
            }
            pushed.add(cells(row));
        }
        return facts(
                "pulled", pulled, "pushed", pushed,
                "unknown", reason(() -> all(client.query("SELECT * FROM \"" + run.name("none") + "\";"))));
    }
}
