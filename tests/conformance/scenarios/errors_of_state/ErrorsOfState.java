package conformance;

import static conformance.Run.all;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Retry;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import dev.penstock.client.errors.LogUnavailableException;
import dev.penstock.client.errors.NotServingException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What cannot be read or written now can be later: see spec.md. */
final class ErrorsOfState implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        PenstockClient once = run.connect(builder -> builder.retry(Retry.NONE));
        String orders = run.name("orders");
        String totals = run.name("totals");
        Map<String, Object> found = new LinkedHashMap<>();
        client.createStream(orders, "k STRING KEY, n INT");
        run.ask("hold_worker");
        Topology counts = new Topology(run.name("counts"));
        counts.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(counts);
        try {
            once.get(totals, "a");
        } catch (NotServingException refused) {
            found.put("reading", refused.reason());
            found.put("task", refused.metadata().containsKey("task"));
            found.put("soon", !refused.retryAfter().isZero());
        }
        run.ask("release_worker");
        String token = client.append(orders, Map.of("k", "a", "n", 1)).position();
        found.put("read", client.get(totals, "a", o -> o.atLeast(token).maxWait(Duration.ofSeconds(20))).get("total"));
        List<Map<String, Object>> second = List.of(Map.of("k", "a", "n", 2));
        run.ask("fail_log");
        try {
            once.append(orders, second, o -> o.producer(run.name("p"), 1));
        } catch (LogUnavailableException refused) {
            found.put("writing", refused.reason());
            found.put("later_ms", refused.retryAfter().toMillis());
        }
        run.ask("mend_log");
        found.put("written", client.append(orders, second, o -> o.producer(run.name("p"), 1)).rows());
        found.put("rows", all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).stream().map(row -> row.get("n", Integer.class)).sorted().toList());
        return found;
    }
}
