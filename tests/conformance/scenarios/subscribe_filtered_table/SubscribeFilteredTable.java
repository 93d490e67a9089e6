package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Batch;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Subscription;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A row that stops matching arrives as deleted: see spec.md. */
final class SubscribeFilteredTable implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts, Duration.ofSeconds(30));
        String token = client.append(orders, Map.of("k", "a", "n", 10)).position();
        client.get(totals, "a", o -> o.atLeast(token).maxWait(Duration.ofSeconds(20)));
        List<Object> rows = new ArrayList<>();
        List<String> columns = List.of();
        try (Subscription watch = client.subscribe(
                totals, o -> o.where("total > :least").with(Map.of("least", 5)).columns("total"))) {
            for (Event event : watch.events()) {
                if (event instanceof Event.CaughtUp) {
                    client.append(orders, Map.of("k", "a", "n", -8));
                } else if (event instanceof Batch batch) {
                    columns = batch.schema().names();
                    batch.forEach(row -> rows.add(Arrays.asList(row.get("k"), row.get("total"), row.deleted())));
                    if (rows.size() == 2) {
                        client.append(orders, Map.of("k", "b", "n", 6));
                    }
                }
                if (rows.size() == 3) {
                    break;
                }
            }
        }
        return facts("rows", rows, "columns", columns);
    }
}
