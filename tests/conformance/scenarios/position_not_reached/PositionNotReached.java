package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.Map;

/** A wait for a position ends in time: see spec.md. */
final class PositionNotReached implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts, Duration.ofSeconds(30));
        run.ask("hold_worker");
        String token = client.append(orders, Map.of("k", "a", "n", 1)).position();
        long began = System.nanoTime();
        String why = reason(() -> client.get(totals, "a", o -> o.atLeast(token).maxWait(Duration.ofMillis(300))));
        boolean inTime = System.nanoTime() - began < 10_000_000_000L;
        run.ask("release_worker");
        Row row = client.get(totals, "a", o -> o.atLeast(token).maxWait(Duration.ofSeconds(20)));
        return facts("reason", why, "in_time", inTime, "then", row.get("total").toString());
    }
}
