package conformance;

import static conformance.Run.facts;
import static conformance.Run.plain;
import static conformance.Run.reason;

import dev.penstock.client.Key;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Many keys are looked up at once, in the order asked: see spec.md. */
final class LookupBatchGet implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String stock = run.name("stock");
        String shown = run.name("shown");
        client.createTable(stock, "shop STRING KEY, item INT KEY, n BIGINT");
        Topology copy = new Topology(run.name("copy"));
        copy.table(stock).to(shown);
        client.registerTopology(copy, Duration.ofSeconds(30));
        String token = client.append(stock, List.of(
                Map.of("shop", "s1", "item", 1, "n", 10), Map.of("shop", "s1", "item", 2, "n", 20), Map.of("shop", "s2", "item", 1, "n", 30))).position();
        List<Row> found = client.batchGet(
                shown, List.of(Key.of("s2", 1), Key.of("none", 1), Key.of("s1", 2)), o -> o.columns("n").atLeast(token).maxWait(Duration.ofSeconds(20)));
        List<Object> values = new ArrayList<>();
        found.forEach(row -> values.add(row == null ? null : plain(row.get("n"))));
        return facts(
                "found", values, "columns", found.get(0).schema().names(), "wrong_key", reason(() -> client.batchGet(shown, List.of(Key.of("s1")))));
    }
}
