package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Retry;
import dev.penstock.client.Start;
import java.util.List;
import java.util.Map;

/** Nobody there is told as such; calls that may be repeated wait for the service to come back: see spec.md. */
final class Unreachable implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String till = run.name("till");
        client.createStream(orders, "k STRING KEY, n INT");
        client.append(orders, List.of());
        run.ask("refuse");
        String once = reason(run.connect(builder -> builder.retry(Retry.NONE))::cluster);
        run.ask("refuse", Map.of("for_ms", 1_000));
        String repeated = reason(client::cluster);
        run.ask("refuse", Map.of("for_ms", 1_000));
        List<Map<String, Object>> row = List.of(Map.of("k", "a", "n", 1));
        String without = reason(() -> client.append(orders, row));
        String with = reason(() -> client.append(orders, row, o -> o.producer(till, 1)));
        int rows = all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).size();
        return facts("once", once, "repeated", repeated, "without_producer", without, "with_producer", with, "rows", rows);
    }
}
