package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Every scalar type comes back, extremes too: see spec.md. */
final class TypesScalar implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String table = run.name("t");
        client.createStream(table, "k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, p DECIMAL(38, 10), s STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP");
        BigDecimal most = new BigDecimal("9999999999999999999999999999.9999999999");
        client.append(table, List.of(
                facts("k", 1, "b", true, "i", Integer.MAX_VALUE, "l", Long.MAX_VALUE, "d", Double.MAX_VALUE, "p", most, "s", "\0 \u00e9 \ud83d\ude00",
                        "y", new byte[] {0, -1}, "da", LocalDate.of(9999, 12, 31), "ti", LocalTime.of(23, 59, 59, 999_000_000),
                        "ts", Instant.parse("9999-12-31T23:59:59.999Z")),
                facts("k", 2, "b", false, "i", Integer.MIN_VALUE, "l", Long.MIN_VALUE, "d", Double.MIN_VALUE, "p", most.negate(), "s", "x",
                        "y", new byte[] {0}, "da", LocalDate.of(1582, 10, 15), "ti", LocalTime.MIDNIGHT, "ts", Instant.ofEpochMilli(-1)),
                Map.of("k", 3),
                facts("k", 4, "b", false, "i", 0, "l", 0, "d", 0.0, "p", BigDecimal.ZERO, "s", "", "y", new byte[0], "da", LocalDate.EPOCH,
                        "ti", LocalTime.of(0, 0, 0, 1_000_000), "ts", Instant.ofEpochMilli(1))));
        Map<String, Object> out = new TreeMap<>();
        client.subscribe(table, o -> o.from(Start.EARLIEST).untilEnd()).forEach(row -> out.put(row.get("k").toString(), cells(row)));
        return out;
    }
}
