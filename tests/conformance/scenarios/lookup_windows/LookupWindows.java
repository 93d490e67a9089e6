package conformance;

import static conformance.Run.facts;
import static conformance.Run.plain;
import static conformance.Run.reason;

import dev.penstock.client.Batch;
import dev.penstock.client.Key;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Topology;
import dev.penstock.client.Window;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Windows of a key are looked up by range and one by one: see spec.md. */
final class LookupWindows implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String clicks = run.name("clicks");
        String counts = run.name("counts");
        client.createStream(clicks, "page STRING KEY, n INT");
        Topology minutes = new Topology(run.name("minutes"));
        minutes.stream(clicks).groupBy().window(Window.tumbling(Duration.ofMinutes(1))).aggregate("COUNT(*) AS many").to(counts);
        client.registerTopology(minutes, Duration.ofSeconds(30));
        Instant day = Instant.parse("2024-01-01T00:00:00Z");
        String token = client.append(clicks, Stream.of(0, 30, 60, 150)
                .map(second -> Map.of("page", "p", "n", 1, "ROWTIME", day.plusSeconds(second))).toList()).position();
        Batch later = client.getWindows(
                counts, "p", o -> o.windows(day.plusSeconds(60), null).atLeast(token).maxWait(Duration.ofSeconds(20)));
        Batch every = client.getWindows(counts, "p", o -> { });
        List<Object> one = new ArrayList<>();
        client.batchGet(counts, List.of(Key.of("p", day), Key.of("p", day.plusSeconds(300))))
                .forEach(row -> one.add(row == null ? null : plain(row.get("many"))));
        return facts(
                "later", column(later, "many"), "all", column(every, "many"), "starts", column(every, "WINDOWSTART"), "one", one,
                "as_one_row", reason(() -> client.get(counts, "p")));
    }

    private static List<Object> column(Batch batch, String name) {
        return batch.stream().map(row -> plain(row.get(name))).toList();
    }
}
