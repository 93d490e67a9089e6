package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A subscription that is left is over at the service: see spec.md. */
final class Cancellation implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");
        client.append(orders, Map.of("k", "a", "n", 1));
        List<Subscription> subscriptions = IntStream.range(0, 5).mapToObj(i -> client.subscribe(orders, o -> o.from(Start.EARLIEST))).toList();
        subscriptions.forEach(subscription -> subscription.iterator().next());
        Object opened = run.ask("subscriptions", Map.of("count", 5)).get("count");
        subscriptions.forEach(Subscription::close);
        Object left = run.ask("subscriptions", Map.of("count", 0)).get("count");
        return facts("open", opened, "left", left, "then", reason(client::cluster));
    }
}
