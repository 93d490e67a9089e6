package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.Map;

/** Calls are refused with the reason of each mistake: see spec.md. */
final class ErrorsOfCalls implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient c = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        c.createStream(orders, "k STRING KEY, n INT");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        c.registerTopology(counts, Duration.ofSeconds(30));
        String name = counts.name();
        String candidates = "";
        try {
            c.get(run.name("totls"), "a");
        } catch (PenstockException unknown) {
            candidates = unknown.metadata().getOrDefault("candidates", "");
        }
        return facts(
                "unknown_relation", reason(() -> c.get(run.name("totls"), "a")), "candidates", candidates.contains(totals),
                "stream_lookup", reason(() -> c.get(orders, "a")), "wrong_key", reason(() -> c.get(totals, true)),
                "garbage_token", reason(() -> c.get(totals, "a", o -> o.atLeast("garbage"))),
                "subscribe_garbage", reason(() -> c.subscribe(totals, o -> o.from(Start.after("garbage"))).iterator().next()),
                "unknown_column", reason(() -> all(c.scan(totals, o -> o.where("totl > 1")))),
                "bad_expression", reason(() -> all(c.scan(totals, o -> o.where("total >")))),
                "type_mismatch", reason(() -> all(c.scan(totals, o -> o.where("total > 'x'")))),
                "in_use", reason(() -> c.dropRelation(orders)), "read_only", reason(() -> c.append(totals, Map.of("k", "a"))),
                "unknown_topology", reason(() -> c.topology(run.name("none"))), "unknown_function", reason(() -> c.function("NO_SUCH")),
                "not_paused", reason(() -> c.resetTopology(name)), "name_taken", reason(() -> c.createStream(orders, "k STRING KEY")),
                "etag", reason(() -> c.deleteTopology(name, "other", false)), "wrong_column", reason(() -> c.append(orders, Map.of("x", 1))),
                "bad_cursor", reason(() -> all(c.scan(totals, o -> o.cursor("garbage")))),
                "bad_limits", reason(() -> c.subscribe(totals, o -> o.maxBatchRows(100_000)).iterator().next()),
                "unknown_topic", reason(() -> c.query("PRINT '" + run.name("none") + "';").iterator().next()),
                "unknown_node", reason(() -> {
                    c.drainNode(run.name("none"));
                    return null;
                }));
    }
}
