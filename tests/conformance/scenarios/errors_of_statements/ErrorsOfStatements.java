package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import java.util.Map;

/** Statements are refused with the reason and the place of each mistake: see spec.md. */
final class ErrorsOfStatements implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        String x = run.name("x");
        String none = run.name("none");
        String declared = """
                CREATE STREAM "%1$s" ("k" STRING KEY, "n" INT) WITH (kafka_topic='%1$s', partitions=1, value_format='JSON');""".formatted(orders);
        client.execute(declared + """
                CREATE TABLE "%s" AS SELECT "k", SUM("n") AS "total" FROM "%s" GROUP BY "k";""".formatted(totals, orders));
        String quotient = """
                CREATE STREAM "%s" AS SELECT "k", "n" / 'a' AS "y" FROM "%s";""".formatted(x, orders);
        String place = "";
        try {
            client.execute(quotient);
        } catch (PenstockException refused) {
            place = quotient.substring((int) refused.expression().start(), (int) refused.expression().end());
        }
        return facts(
                "twice", why(run, declared),
                "topic", why(run, """
                        CREATE STREAM "%s" ("k" STRING KEY) WITH (kafka_topic='%s', value_format='JSON');""", x, none),
                "assertion", why(run, "ASSERT TOPIC \"%s\" TIMEOUT 1 SECONDS;", none),
                "used", why(run, "DROP STREAM \"%s\";", orders),
                "loop", why(run, "INSERT INTO \"%1$s\" SELECT * FROM \"%1$s\";", orders),
                "aggregate", why(run, """
                        CREATE TABLE "%s" AS SELECT "total", MIN("total") AS "m" FROM "%s" GROUP BY "total";""", x, totals),
                "window", why(run, """
                        CREATE TABLE "%s" AS SELECT "k", COUNT(*) AS "c" FROM "%s" WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 MINUTE)
                        GROUP BY "k";""", x, orders),
                "schema", why(run, """
                        CREATE STREAM "%1$s" ("k" STRING KEY) WITH (kafka_topic='%1$s', partitions=1, value_format='AVRO', value_schema_id=99999);""", x),
                "types", why(run, quotient), "place", place,
                "property", why(run, "SET 'no.such' = 'x';"),
                "query", why(run, "TERMINATE \"%s\";", none),
                "range", reason(() -> all(client.scan(totals, o -> o.between("z", "a")))));
    }

    private static String why(Run run, String statement, Object... names) throws Exception {
        String text = names.length == 0 ? statement : statement.formatted(names);
        return reason(() -> run.client().execute(text));
    }
}
