package conformance;

import static conformance.Run.reason;

import dev.penstock.client.Cluster;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Retry;
import dev.penstock.client.errors.DrainingException;
import java.util.LinkedHashMap;
import java.util.Map;

/** A node is taken out of the service: see spec.md. */
final class RetireANode implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        PenstockClient once = run.connect(builder -> builder.retry(Retry.NONE));
        Map<String, Object> found = new LinkedHashMap<>();
        Cluster.Node node = client.cluster().nodes().get(0);
        found.put("state", node.state());
        found.put("unknown", reason(() -> {
            client.drainNode(run.name("none"));
            return null;
        }));
        run.ask("hold_worker");
        client.drainNode(node.id());
        try {
            once.topologies();
        } catch (DrainingException refused) {
            found.put("draining", refused.reason());
            found.put("later_ms", refused.retryAfter().toMillis());
        }
        run.ask("release_worker");
        found.put("code", run.ask("ended").get("code").getAsInt());
        found.put("then", reason(once::cluster));
        return found;
    }
}
