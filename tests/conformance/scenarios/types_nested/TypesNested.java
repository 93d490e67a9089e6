package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Nested types come back, empty and null parts too: see spec.md. */
final class TypesNested implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String table = run.name("t");
        client.createStream(table, "k INT KEY, a ARRAY<ARRAY<BIGINT>>, m MAP<STRING, DECIMAL(10, 2)>, "
                + "s STRUCT<x INT, tags ARRAY<STRING>, at TIMESTAMP>, l ARRAY<STRUCT<d DOUBLE>>");
        Map<String, Object> full = Map.of(
                "k", 1, "a", List.of(List.of(1, Long.MIN_VALUE), List.of()),
                "m", facts("\u00e9", new BigDecimal("1.5"), "", new BigDecimal("-0.01")),
                "s", Map.of("x", 1, "tags", List.of("a", ""), "at", Instant.parse("2024-02-29T12:00:00.123Z")),
                "l", List.of(Map.of("d", 1.5), Map.of("d", -0.25)));
        Map<String, Object> empty = Map.of("k", 2, "a", List.of(), "m", Map.of(), "s", Map.of("tags", List.of()), "l", List.of());
        Map<String, Object> holes = Map.of(
                "k", 3, "a", Arrays.asList(null, Arrays.asList((Object) null)), "m", facts("k", null),
                "s", Map.of("tags", Arrays.asList((Object) null)), "l", Arrays.asList(null, facts("d", null)));
        client.append(table, List.of(full, empty, holes, Map.of("k", 4)));
        Map<String, Object> out = new TreeMap<>();
        client.subscribe(table, o -> o.from(Start.EARLIEST).untilEnd()).forEach(row -> out.put(row.get("k").toString(), cells(row)));
        return out;
    }
}
