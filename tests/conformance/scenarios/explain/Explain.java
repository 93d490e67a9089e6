package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Topology;
import java.util.Map;

/** A definition and a registered topology are explained: see spec.md. */
final class Explain implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");
        Topology big = new Topology(run.name("big"));
        big.stream(orders).filter("n > 10").to(run.name("large"));
        String text = client.explain(big, false);
        String registered = reason(() -> client.topology(big.name()));
        client.registerTopology(big);
        String source = client.explain(big.name(), true);
        return facts(
                "has_expression", text.contains("filter `n` > 10"), "registered", registered,
                "has_source", source.contains("def ") && source.length() > text.length());
    }
}
