package conformance;

import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.ClientBuilder;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Retry;
import dev.penstock.client.Row;
import dev.penstock.client.Topology;
import dev.penstock.client.errors.SchemaRegistryUnavailableException;
import dev.penstock.client.errors.TooManyQueriesException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A node at its limits, and without what it should have: see spec.md. */
final class LimitedNode implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        Path authority = Path.of(run.setting("ca"));
        UnaryOperator<ClientBuilder> shown = builder -> builder.tls(authority, Path.of(run.setting("cert")), Path.of(run.setting("key")));
        PenstockClient client = run.connect(shown);
        PenstockClient once = run.connect(builder -> shown.apply(builder).retry(Retry.NONE));
        String orders = run.name("orders");
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("stranger", reason(run.connect(builder -> builder.tls(authority).retry(Retry.NONE))::cluster));
        client.createStream(orders, "k STRING KEY, n INT");
        Topology broken = new Topology(run.name("t"));
        broken.stream(orders).process("broken").output("out").to(run.name("out"));
        found.put("plugin", reason(() -> client.validateTopology(broken)));
        try {
            once.createStream(run.name("avro"), "k STRING KEY, n INT", new Binding().valueFormat("AVRO"));
        } catch (SchemaRegistryUnavailableException refused) {
            found.put("schemas", refused.reason());
            found.put("later_ms", refused.retryAfter().toMillis());
        }
        client.execute("SET 'auto.offset.reset' = 'earliest';");
        client.append(orders, Map.of("k", "a", "n", 1));
        String push = "SELECT \"k\", SUM(\"n\") AS \"total\" FROM \"" + orders + "\" GROUP BY \"k\" EMIT CHANGES;";
        List<Object> totals = new ArrayList<>();
        for (Row row : client.query(push, o -> o.limit(2))) {
            totals.add(row.get("total"));
            if (totals.size() == 1) {
                try {
                    client.query(push).iterator().next();
                } catch (TooManyQueriesException refused) {
                    found.put("queries", refused.reason());
                    found.put("limit", refused.metadata().get("limit"));
                }
                client.append(orders, Map.of("k", "a", "n", 2));
            }
        }
        found.put("totals", totals);
        return found;
    }
}
