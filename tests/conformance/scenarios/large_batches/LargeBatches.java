package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Appended;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Large batches go through, and too large ones are refused with the limit: see spec.md. */
final class LargeBatches implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT, note STRING", new Binding().partitions(1));
        String note = "x".repeat(100);
        Appended written = client.append(orders, IntStream.range(0, 20_000).mapToObj(n -> Map.of("k", "a", "n", n, "note", note)).toList());
        List<Row> rows = all(client.subscribe(orders, o -> o.from(Start.EARLIEST).until(written.position()).maxBatchRows(65_536)));
        long sum = rows.stream().mapToLong(row -> row.get("n", Long.class)).sum();
        String tooLarge = reason(() -> client.append(orders, Map.of("k", "a", "note", "x".repeat(2_000_000))));
        String request = reason(() -> client.append(orders, Map.of("k", "a", "note", "x".repeat(5_000_000))));
        client.append(orders, Map.of("k", "a", "note", "\u00e9".repeat(100_000)));
        String found = all(client.subscribe(orders, o -> o.from(Start.after(written.position())).untilEnd())).get(0).get("note", String.class);
        return facts(
                "appended", written.rows(), "read", rows.size(), "sum", String.valueOf(sum), "row", tooLarge, "request", request,
                "long", found.equals("\u00e9".repeat(100_000)) ? found.length() : 0);
    }
}
