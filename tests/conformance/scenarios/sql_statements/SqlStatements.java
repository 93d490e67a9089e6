package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Batch;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.Result;
import dev.penstock.client.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Statements are executed one by one, in a session: see spec.md. */
final class SqlStatements implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        String script = """
                CREATE STREAM "%1$s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%1$s', partitions=1, value_format='JSON');
                CREATE TABLE "%2$s" AS SELECT "k", SUM("n") AS "total" FROM "%1$s" GROUP BY "k";""".formatted(orders, totals);
        List<List<Object>> created = client.execute(script).stream()
                .map(r -> Arrays.<Object>asList(r.relation() != null, r.topology() == null ? null : r.topology().state())).toList();
        List<Boolean> again = client.execute(script, o -> o.apply()).stream().map(Result::unchanged).toList();
        String inserted = client.execute("INSERT INTO \"" + orders + "\" (\"k\", \"n\") VALUES ('a', 5);").get(0).position();
        Row row = client.get(totals, "a", o -> o.atLeast(inserted).maxWait(Duration.ofSeconds(20)));
        Batch shown = client.execute("SHOW STREAMS;").get(0).rows();
        client.execute("DEFINE least = '3';");
        List<Object> rows = new ArrayList<>();
        client.query("SELECT * FROM \"" + totals + "\" WHERE \"total\" > ${least};").forEach(one -> rows.add(cells(one)));
        int start = -1;
        try {
            client.execute("SELEC 1;");
        } catch (PenstockException refused) {
            start = refused.expression().start();
        }
        return facts(
                "created", created, "unchanged", again, "row", cells(row),
                "listed", shown.stream().anyMatch(one -> one.get("name").equals(orders)), "query", rows,
                "second_statement", reason(() -> client.execute("DESCRIBE \"" + orders + "\"; DROP STREAM \"" + run.name("none") + "\";")),
                "syntax", reason(() -> client.execute("SELEC 1;")), "start", start);
    }
}
