package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Key;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Scan;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** A scan is narrowed by condition, keys and limit, and goes on after its cursor: see spec.md. */
final class ScanConditions implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String stock = run.name("stock");
        String shown = run.name("shown");
        client.createTable(stock, "shop STRING KEY, item INT KEY, n INT");
        Topology copy = new Topology(run.name("copy"));
        copy.table(stock).to(shown);
        client.registerTopology(copy, Duration.ofSeconds(30));
        String token = client.append(stock, IntStream.range(0, 50)
                .mapToObj(n -> Map.of("shop", "s" + n / 10, "item", n % 10, "n", n)).toList()).position();
        int every = all(client.scan(shown, o -> o.atLeast(token).maxWait(Duration.ofSeconds(20)))).size();
        int where = all(client.scan(shown, o -> o.where("n > :least").with(Map.of("least", 41)))).size();
        int prefix = all(client.scan(shown, o -> o.prefix("s3"))).size();
        int bounds = all(client.scan(shown, o -> o.between(Key.of("s1", 5), Key.of("s2", 4)))).size();
        Scan some = client.scan(shown, o -> o.limit(20));
        List<Object> head = keys(some);
        Scan rest = client.scan(shown, o -> o.cursor(some.cursor()));
        List<Object> tail = keys(rest);
        Set<Object> distinct = new HashSet<>(head);
        distinct.addAll(tail);
        return facts(
                "all", every, "where", where, "prefix", prefix, "range", bounds, "limit", head.size(), "together", head.size() + tail.size(),
                "distinct", distinct.size(), "position", !rest.position().isEmpty());
    }

    private static List<Object> keys(Scan scan) {
        return scan.stream().<Object>map(row -> List.of(row.get("shop"), row.get("item"))).toList();
    }
}
