package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Appended;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import java.util.List;
import java.util.Map;

/** A batch with a producer and a sequence is written once: see spec.md. */
final class AppendExactlyOnce implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");

        String till = run.name("till");
        Appended first = client.append(orders, List.of(Map.of("k", "a", "n", 1)), o -> o.producer(till, 1));
        Appended again = client.append(orders, List.of(Map.of("k", "a", "n", 1)), o -> o.producer(till, 1));
        String gap = reason(() -> client.append(orders, List.of(Map.of("k", "a", "n", 3)), o -> o.producer(till, 3)));
        client.append(orders, List.of(Map.of("k", "a", "n", 2)), o -> o.producer(till, 2));
        List<Object> values = all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).stream().map(row -> row.get("n")).toList();
        return facts(
                "first", List.of(first.rows(), first.duplicate()), "again", List.of(again.rows(), again.duplicate()), "gap", gap, "values", values);
    }
}
