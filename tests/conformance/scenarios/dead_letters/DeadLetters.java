package conformance;

import static conformance.Run.all;
import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.RawRecord;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A record that cannot be read is kept, shown, and counted for a replay: see spec.md. */
final class DeadLetters implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String raw = run.name("bytes");
        String out = run.name("out");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        client.createStream(
                raw, "k BYTES KEY, v BYTES", new Binding().topic(orders).partitions(1).keyFormat("KAFKA").valueFormat("KAFKA"));
        Topology copy = new Topology(run.name("copy"));
        copy.stream(orders).named("src").to(out);
        client.registerTopology(copy, Duration.ofSeconds(30));
        client.appendRecords(orders, List.of(record("{\"n\": 5}")));
        client.appendRecords(raw, List.of(record("{\"n\": ")));
        client.appendRecords(orders, List.of(record("{\"n\": 1}")));
        String refused = reason(() -> client.appendRecords(orders, List.of(record("{\"n\": "))));
        try (Subscription letters = client.subscribe(copy.name() + ".dead_letter", o -> o.from(Start.EARLIEST))) {
            Map<String, Object> letter = cells(letters.iterator().next());
            return facts(
                    "refused", refused, "letter", List.of(letter.get("NODE"), letter.get("OFFSET"), letter.get("RECORD_VALUE")),
                    "values", all(client.subscribe(out, o -> o.from(Start.EARLIEST).limit(2))).stream().map(row -> row.get("n")).toList(),
                    "replayable", String.valueOf(client.replayDeadLetters(copy.name(), o -> o.validateOnly()).replayed()));
        }
    }

    private static RawRecord record(String value) {
        return new RawRecord("a".getBytes(), value.getBytes());
    }
}
