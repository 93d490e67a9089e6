package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Appender;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** The position of a stream of appends includes every batch of it: see spec.md. */
final class PositionOfAStream implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(4));
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts, Duration.ofSeconds(30));
        run.ask("hold_worker");
        List<String> keys = IntStream.range(0, 10).mapToObj(n -> "k" + n).toList();
        String token;
        try (Appender appender = client.appender(orders)) {
            keys.forEach(k -> appender.append(Map.of("k", k, "n", 1)));
            appender.flush();
            run.ask("cut");
            appender.append(Map.of("k", "k0", "n", 1));
            token = appender.flush();
        }
        Set<String> held = new TreeSet<>();
        for (String k : keys) {
            held.add(reason(() -> client.get(totals, k, o -> o.atLeast(token).maxWait(Duration.ofMillis(100)))));
        }
        run.ask("release_worker");
        int sum = 0;
        for (String k : keys) {
            sum += client.get(totals, k, o -> o.atLeast(token).maxWait(Duration.ofSeconds(20))).get("total", Integer.class);
        }
        return facts("held", List.copyOf(held), "then", sum);
    }
}
