package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;

/** Rows as JSON are cast as INSERT VALUES does: see spec.md. */
final class AppendJson implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n BIGINT, price DECIMAL(10, 2), day DATE");
        List<Map<String, Object>> rows = List.of(
                Map.of("k", "a", "n", 9007199254740993L, "price", new BigDecimal("12.5"), "day", LocalDate.of(2024, 2, 29)), Map.of("k", "b"));
        Map<String, Object> out = facts("appended", client.append(orders, rows, o -> o.json()).rows());
        for (Row row : client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())) {
            out.put(row.get("k", String.class), cells(row));
        }
        out.put("refused", reason(() -> client.append(orders, List.of(Map.of("k", "c", "n", "x")), o -> o.json())));
        return out;
    }
}
