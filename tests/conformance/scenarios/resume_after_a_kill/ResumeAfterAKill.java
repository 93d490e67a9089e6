package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Batch;
import dev.penstock.client.Binding;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A subscription goes on over a kill of the gateway and a cut, without a gap or a repeat: see spec.md. */
final class ResumeAfterAKill implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        write(run, orders, 0);
        Map<Long, Integer> taken = new LinkedHashMap<>();
        boolean killed = false;
        boolean cut = false;
        boolean reconnected = false;
        int written = 100;
        try (Subscription subscription = client.subscribe(orders, o -> o.columns("n", "ROWOFFSET").from(Start.EARLIEST).maxBatchRows(10))) {
            for (Event event : subscription.events()) {
                reconnected |= event instanceof Event.Reconnecting;
                if (event instanceof Batch batch) {
                    batch.forEach(row -> taken.putIfAbsent(row.get("ROWOFFSET", Long.class), row.get("n", Integer.class)));
                }
                if (taken.size() >= 30 && !killed) {
                    killed = true;
                    run.ask("kill_gateway");
                }
                if (taken.size() >= 300 && !cut) {
                    cut = true;
                    run.ask("cut");
                }
                if (taken.size() >= 400) {
                    break;
                }
                if (taken.size() >= written) {
                    write(run, orders, written);
                    written += 100;
                }
            }
        }
        List<Integer> values = List.copyOf(taken.values());
        return facts("rows", values.size(), "in_order", values.equals(IntStream.range(0, 400).boxed().toList()), "reconnected", reconnected);
    }

    private static void write(Run run, String orders, int start) {
        run.append(orders, IntStream.range(start, start + 100).mapToObj(n -> Map.of("k", "a", "n", n)).toList());
    }
}
