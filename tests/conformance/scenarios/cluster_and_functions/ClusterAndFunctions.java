package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.Map;

/** The service describes itself: see spec.md. */
final class ClusterAndFunctions implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(2));
        Topology copy = new Topology(run.name("copy"));
        copy.stream(orders).to(run.name("out"));
        client.registerTopology(copy, Duration.ofSeconds(30));
        var cluster = client.cluster();
        return facts(
                "log", cluster.log(), "available", cluster.logAvailable(), "nodes", cluster.nodes().size(),
                "tasks", client.tasks(copy.name()).stream().map(task -> task.state()).toList(), "kind", client.function("ABS").kind(),
                "has_sum", client.functions().stream().anyMatch(function -> function.name().equals("SUM")));
    }
}
