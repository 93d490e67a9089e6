package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Topology;
import dev.penstock.client.TopologyTable;
import java.time.Duration;
import java.util.Map;

/** An update says what becomes of each node, and needs leave for what is lost: see spec.md. */
final class TopologyUpdate implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        client.registerTopology(definition(run, true, "SUM(n) AS total"), Duration.ofSeconds(30));
        String first = client.append(orders, Map.of("k", "a", "n", 5)).position();
        client.get(totals, "a", o -> o.atLeast(first).maxWait(Duration.ofSeconds(20)));
        Topology wider = definition(run, true, "SUM(n) AS total", "COUNT(*) AS many");
        String added = client.updateTopology(wider, o -> o.validateOnly()).changes().stream()
                .filter(change -> change.node().equals("sums")).findFirst().orElseThrow().effect();
        Topology without = definition(run, false, "SUM(n) AS total");
        boolean needsLeave = client.updateTopology(without, o -> o.validateOnly()).changes().stream().anyMatch(change -> change.needsLeave());
        String refused = reason(() -> client.updateTopology(without, o -> { }));
        long version = client.updateTopology(wider, o -> o.wait(Duration.ofSeconds(30))).topology().version();
        String second = client.append(orders, Map.of("k", "a", "n", 2)).position();
        Row row = client.get(totals, "a", o -> o.atLeast(second).maxWait(Duration.ofSeconds(20)));
        return facts(
                "added_column", added, "dropped_needs_leave", needsLeave, "refused", refused, "version", String.valueOf(version), "row", cells(row));
    }

    private static Topology definition(Run run, boolean sink, String... columns) {
        Topology counts = new Topology(run.name("counts"));
        TopologyTable sums = counts.stream(run.name("orders")).groupBy().aggregate(columns).named("sums");
        if (sink) {
            sums.to(run.name("totals"));
        }
        return counts;
    }
}
