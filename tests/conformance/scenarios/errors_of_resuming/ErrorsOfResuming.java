package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import dev.penstock.client.TopologyInfo;
import dev.penstock.client.errors.PositionExpiredException;
import java.util.List;
import java.util.Map;

/** Positions from which nothing can go on any more are refused, each for its reason: see spec.md. */
final class ErrorsOfResuming implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        String written = client.append(orders, Map.of("k", "a", "n", 1)).position();
        Subscription rows = client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd());
        all(rows);
        String resume = rows.position();
        client.append(orders, Map.of("k", "a", "n", 2));
        run.ask("expire", Map.of("topic", orders));
        client.append(orders, Map.of("k", "a", "n", 3));
        String expired = "";
        List<Object> left = List.of();
        try {
            client.subscribe(orders, o -> o.from(Start.after(resume))).iterator().next();
        } catch (PositionExpiredException refused) {
            expired = refused.reason();
            Start earliest = Start.after(refused.metadata().get("earliest"));
            left = all(client.subscribe(orders, o -> o.from(earliest).untilEnd())).stream().map(row -> row.get("n")).toList();
        }
        List<String> before = client.topologies().stream().map(TopologyInfo::name).toList();
        String push = "SELECT \"k\", SUM(\"n\") AS \"total\" FROM \"" + orders + "\" GROUP BY \"k\" EMIT CHANGES;";
        client.execute("SET 'auto.offset.reset' = 'earliest';");
        Object total;
        String came;
        try (Subscription sums = client.query(push)) {
            total = sums.iterator().next().get("total");
            came = sums.position();
        }
        client.topologies().stream().map(TopologyInfo::name).filter(name -> !before.contains(name)).forEach(client::deleteTopology);
        String gone = reason(() -> client.query(push, o -> o.resume(came)).iterator().next());
        client.dropRelation(orders, "", true);
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        return facts(
                "expired", expired, "left", left, "total", total, "gone", gone,
                "replaced", reason(() -> client.subscribe(orders, o -> o.from(Start.after(resume))).iterator().next()),
                "foreign", reason(() -> client.subscribe(orders, o -> o.from(Start.after(written))).iterator().next()));
    }
}
