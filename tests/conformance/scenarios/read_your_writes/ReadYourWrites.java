package conformance;

import static conformance.Run.facts;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An answer includes the write whose token it is given: see spec.md. */
final class ReadYourWrites implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String totals = run.name("totals");
        String doubled = run.name("doubled");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology first = new Topology(run.name("first"));
        first.stream(orders).groupBy().aggregate("SUM(n) AS total").to(totals);
        client.registerTopology(first, Duration.ofSeconds(30));
        Topology second = new Topology(run.name("second"));
        second.table(totals).select("total * 2 AS double").to(doubled);
        client.registerTopology(second, Duration.ofSeconds(30));
        List<Object> seen = new ArrayList<>();
        String last = "";
        for (int i = 0; i < 10; i++) {
            String token = client.append(orders, Map.of("k", "a", "n", 1)).position();
            seen.add(client.get(doubled, "a", o -> o.atLeast(token).maxWait(Duration.ofSeconds(20))).get("double"));
            last = token;
        }
        String newest = last;
        return facts(
                "seen", seen,
                "several_tokens", client.get(doubled, "a", o -> o.atLeast(newest, "").maxWait(Duration.ofSeconds(20))).get("double"));
    }
}
