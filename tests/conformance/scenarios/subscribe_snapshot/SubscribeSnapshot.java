package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;

import dev.penstock.client.Batch;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Subscription;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A table's subscription gives its rows, says that it has caught up, then gives changes: see spec.md. */
final class SubscribeSnapshot implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts, Duration.ofSeconds(30));
        String token = client.append(
                orders, List.of(Map.of("k", "a", "n", 1), Map.of("k", "b", "n", 2), Map.of("k", "c", "n", 3))).position();
        client.batchGet(totals, List.of("a", "b", "c"), o -> o.atLeast(token).maxWait(Duration.ofSeconds(20)));
        String first = "";
        Map<Object, Object> snapshot = new TreeMap<>();
        boolean marked = true;
        try (Subscription watch = client.subscribe(totals)) {
            for (Event event : watch.events()) {
                if (first.isEmpty()) {
                    first = event instanceof Event.SchemaChanged ? "schema" : event.toString();
                }
                if (event instanceof Batch batch) {
                    batch.forEach(row -> snapshot.put(row.get("k"), row.get("total")));
                    marked &= batch.snapshot();
                }
                if (event instanceof Event.CaughtUp) {
                    break;
                }
            }
            client.append(orders, Map.of("k", "b", "n", 5));
            Batch change = watch.batches().iterator().next();
            return facts(
                    "first_event", first, "snapshot", snapshot, "marked", marked, "change", cells(change.row(0)), "change_marked", change.snapshot());
        }
    }
}
