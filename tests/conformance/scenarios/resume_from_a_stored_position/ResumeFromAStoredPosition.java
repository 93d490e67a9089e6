package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Batch;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A new client goes on after the position that an earlier one stored: see spec.md. */
final class ResumeFromAStoredPosition implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        client.append(orders, rows(0, 50));
        List<Integer> values = new ArrayList<>();
        String stored;
        try (PenstockClient reader = run.connect(builder -> builder)) {
            Iterator<Batch> batches = reader.subscribe(orders, o -> o.from(Start.EARLIEST).maxBatchRows(10)).batches().iterator();
            values.addAll(values(batches.next()));
            Batch second = batches.next();
            values.addAll(values(second));
            stored = second.position();
        }
        client.append(orders, rows(50, 60));
        List<Integer> rest = values(run.connect(builder -> builder).subscribe(orders, o -> o.from(Start.after(stored)).untilEnd()));
        int first = values.size();
        values.addAll(rest);
        return facts("first", first, "rest", rest.size(), "in_order", values.equals(IntStream.range(0, 60).boxed().toList()));
    }

    private static List<Integer> values(Iterable<Row> rows) {
        return all(rows).stream().map(row -> row.get("n", Integer.class)).toList();
    }

    private static List<Map<String, Object>> rows(int start, int end) {
        return IntStream.range(start, end).mapToObj(n -> Map.<String, Object>of("k", "a", "n", n)).toList();
    }
}
