package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Batch;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A reader that stops misses nothing, and holds up no other call: see spec.md. */
final class SlowReader implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT, note STRING", new Binding().partitions(1));
        List<Integer> values = new ArrayList<>();
        String note = "x".repeat(200);
        try (Subscription subscription = client.subscribe(orders, o -> o.columns("n", "note").from(Start.EARLIEST))) {
            Iterator<Batch> batches = subscription.batches().iterator();
            for (int start = 0; start < 20_000; start += 2_000) {
                run.append(orders, IntStream.range(start, start + 2_000).mapToObj(n -> Map.of("k", "a", "n", n, "note", note)).toList());
            }
            batches.next().forEach(row -> values.add(row.get("n", Integer.class)));
            long began = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                client.cluster();
            }
            boolean answered = System.nanoTime() - began < 10_000_000_000L;
            while (values.size() < 20_000) {
                batches.next().forEach(row -> values.add(row.get("n", Integer.class)));
            }
            return facts(
                    "others_answered", answered, "rows", values.size(), "in_order", values.equals(IntStream.range(0, 20_000).boxed().toList()));
        }
    }
}
