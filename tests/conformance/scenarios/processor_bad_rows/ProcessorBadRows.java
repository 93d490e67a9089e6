package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Binding;
import dev.penstock.client.Bundle;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Remote;
import dev.penstock.client.RetryBundleException;
import dev.penstock.client.Row;
import dev.penstock.client.RowHandler;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Rows that a remote processor fails on become dead letters, and the others are processed: see spec.md. */
final class ProcessorBadRows implements Scenario {

    private static final class Half implements RowHandler {

        private volatile boolean met;

        @Override
        public void handle(Row row, Bundle.Place at) {
            long n = row.get("n", Long.class);
            if (n == 4 && !met) {
                met = true;
                throw new RetryBundleException("not yet");
            } else if (n == 3) {
                throw new IllegalArgumentException("three is odd");
            }
            at.send("halves", Map.of("n", n == 5 ? "a text" : n / 2));
        }
    }

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String payments = run.name("payments");
        String out = run.name("out");
        client.createStream(payments, "k STRING KEY, n BIGINT", new Binding().partitions(1));
        Topology halves = new Topology(run.name("halves"));
        halves.stream(payments)
                .processRemotely(new Remote(run.name("half")).output("halves", "k STRING KEY, n BIGINT").keepsKey().maxAttempts(3))
                .named("half").output("halves").to(out);
        client.registerTopology(halves, Duration.ofSeconds(30));
        try (Run.Serving worker = run.serve(w -> w.handler(run.name("half"), new Half()))) {
            client.append(payments, List.of(Map.of("k", "a", "n", 2), Map.of("k", "b", "n", 3), Map.of("k", "c", "n", 4)));
            take(client, out, 2);
            client.append(payments, List.of(Map.of("k", "d", "n", 5)));
            List<Map<String, Object>> letters = take(client, halves.name() + ".dead_letter", 2);
            client.append(payments, List.of(Map.of("k", "e", "n", 6)));
            return facts(
                    "values", take(client, out, 3).stream().map(row -> row.get("n")).toList(),
                    "nodes", letters.stream().map(letter -> letter.get("NODE")).toList(),
                    "odd", says(letters.get(0), "three is odd"), "wrong_type", says(letters.get(1), "output halves, column n"));
        }
    }

    private static List<Map<String, Object>> take(PenstockClient client, String relation, int count) {
        return all(client.subscribe(relation, o -> o.from(Start.EARLIEST).limit(count))).stream().map(Run::cells).toList();
    }

    private static boolean says(Map<String, Object> letter, String what) {
        return letter.get("REASON").toString().contains(what);
    }
}
