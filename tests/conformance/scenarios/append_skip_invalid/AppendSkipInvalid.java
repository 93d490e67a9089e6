package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Appended;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.Start;
import java.util.List;
import java.util.Map;

/** Invalid rows are named, and skipped if asked: see spec.md. */
final class AppendSkipInvalid implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");
        List<Map<String, Object>> rows = List.of(Map.of("k", "a", "n", 1), Map.of("k", "b", "n", "x"), Map.of("k", "c", "n", 3));
        Map<String, Object> out = facts("refused", "OK");
        try {
            client.append(orders, rows, o -> o.json());
        } catch (PenstockException refused) {
            out = facts("refused", refused.reason(), "rows", places(refused.rowErrors()));
        }
        Appended written = client.append(orders, rows, o -> o.json().skipInvalid());
        out.put("appended", written.rows());
        out.put("skipped", places(written.rowErrors()));
        out.put("keys", all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).stream()
                .map(row -> row.get("k", String.class)).sorted().toList());
        return out;
    }

    private static List<List<Object>> places(List<PenstockException.RowError> errors) {
        return errors.stream().map(one -> List.<Object>of(one.row(), one.reason())).toList();
    }
}
