package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/** Many subscriptions of one client come back after their connection was cut: see spec.md. */
final class ReconnectStorm implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        client.append(orders, Map.of("k", "a", "n", 0));
        List<Subscription> subscriptions = IntStream.range(0, 20).mapToObj(i -> client.subscribe(orders, o -> o.from(Start.EARLIEST))).toList();
        subscriptions.forEach(subscription -> subscription.iterator().next());
        for (int i = 0; i < 3; i++) {
            run.ask("cut");
        }
        run.append(orders, List.of(Map.of("k", "a", "n", 1)));
        List<Object> second = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(20);
        for (Future<Row> row : threads.invokeAll(subscriptions.stream().map(one -> (java.util.concurrent.Callable<Row>) () -> one.iterator().next()).toList())) {
            second.add(row.get().get("n"));
        }
        threads.shutdown();
        return facts(
                "second", second.stream().distinct().toList(), "all_came", second.size(),
                "open", run.ask("subscriptions", Map.of("count", 20)).get("count"));
    }
}
