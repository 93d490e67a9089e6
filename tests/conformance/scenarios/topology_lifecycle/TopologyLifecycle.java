package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.Map;

/** A topology is registered, paused, reset, resumed and deleted: see spec.md. */
final class TopologyLifecycle implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        var registered = client.registerTopology(counts, Duration.ofSeconds(30));
        String again = reason(() -> client.registerTopology(counts));
        String first = client.append(orders, Map.of("k", "a", "n", 1)).position();
        client.get(totals, "a", o -> o.atLeast(first).maxWait(Duration.ofSeconds(20)));
        var paused = client.pauseTopology(counts.name()).state();
        String second = client.append(orders, Map.of("k", "a", "n", 2)).position();
        Row whilePaused = client.get(totals, "a");
        long version = client.resetTopology(counts.name()).version();
        client.resumeTopology(counts.name());
        Row after = client.get(totals, "a", o -> o.atLeast(second).maxWait(Duration.ofSeconds(20)));
        boolean listed = client.topologies().stream().anyMatch(one -> one.name().equals(counts.name()));
        client.deleteTopology(counts.name());
        return facts(
                "registered", registered.state(), "again", again, "listed", listed, "publishes", registered.relations().contains(totals),
                "paused", paused, "while_paused", whilePaused.get("total").toString(), "version", String.valueOf(version),
                "after_reset", after.get("total").toString(), "deleted", reason(() -> client.topology(counts.name())),
                "relation", reason(() -> client.get(totals, "a")));
    }
}
