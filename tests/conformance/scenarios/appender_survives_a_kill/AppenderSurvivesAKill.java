package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Appender;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A stream of appends goes on over a kill of the gateway, each row once: see spec.md. */
final class AppenderSurvivesAKill implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String till = run.name("till");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        String token;
        try (Appender appender = client.appender(orders, o -> o.producer(till))) {
            for (int n = 0; n < 100; n++) {
                if (n == 30) {
                    run.ask("kill_gateway");
                } else if (n == 60) {
                    run.ask("cut");
                }
                appender.append(Map.of("k", "a", "n", n));
            }
            token = appender.flush();
        }
        List<Integer> values = values(client.subscribe(orders, o -> o.from(Start.EARLIEST).until(token)));
        try (Appender later = client.appender(orders, o -> o.producer(till))) {
            return facts(
                    "values", values.size(), "in_order", values.equals(IntStream.range(0, 100).boxed().toList()),
                    "last_sequence", String.valueOf(later.lastSequence()));
        }
    }

    private static List<Integer> values(Iterable<Row> rows) {
        return all(rows).stream().map(row -> row.get("n", Integer.class)).toList();
    }
}
