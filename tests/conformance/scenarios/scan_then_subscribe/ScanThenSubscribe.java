package conformance;

import static conformance.Run.facts;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Scan;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What follows a scan is subscribed to without a gap: see spec.md. */
final class ScanThenSubscribe implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts, Duration.ofSeconds(30));
        String token = client.append(orders, List.of(Map.of("k", "a", "n", 1), Map.of("k", "b", "n", 1))).position();
        Scan scan = client.scan(totals, o -> o.atLeast(token).maxWait(Duration.ofSeconds(20)));
        Map<Object, Object> scanned = new TreeMap<>();
        scan.forEach(row -> scanned.put(row.get("k"), row.get("total")));
        client.append(orders, List.of(Map.of("k", "a", "n", 1), Map.of("k", "c", "n", 1)));
        Map<Object, Object> after = new TreeMap<>();
        try (Subscription changes = client.subscribe(totals, o -> o.from(Start.after(scan.position())))) {
            for (Row row : changes) {
                after.put(row.get("k"), row.get("total"));
                if (after.keySet().containsAll(List.of("a", "c"))) {
                    break;
                }
            }
        }
        return facts("scanned", scanned, "after", after, "unchanged_came", after.containsKey("b"));
    }
}
