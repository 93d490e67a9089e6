package conformance;

import static conformance.Run.cells;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.RemoteFunction;
import dev.penstock.client.Row;
import dev.penstock.client.RowFunction;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A function that a program computes is called in an expression: see spec.md. */
final class RemoteFunctions implements Scenario {

    private static final RowFunction TWICE = arguments -> {
        long n = (long) arguments.get(0);
        if (n == 13) {
            throw new IllegalArgumentException("13 is unlucky");
        }
        return 2 * n;
    };

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String numbers = run.name("numbers");
        String held = run.name("held");
        String out = run.name("out");
        String name = run.name("twice");
        String signature = client.createFunction(new RemoteFunction(name, "BIGINT", "BIGINT").deterministic().cacheRows(10)).signatures().get(0);
        String taken = reason(() -> client.createFunction(new RemoteFunction(name, "BIGINT", "STRING")));
        client.createStream(numbers, "k STRING KEY, n BIGINT", new Binding().partitions(1));
        client.createTable(held, "k STRING KEY, n BIGINT", new Binding().partitions(1));
        Topology doubled = new Topology(run.name("doubled"));
        doubled.stream(numbers).filter(name + "(n) < 100").select(name + "(n) + 1 AS m").named("sel").to(out);
        client.registerTopology(doubled, Duration.ofSeconds(30));
        Topology table = new Topology(run.name("table"));
        table.table(held).filter(name + "(n) > 1").to(run.name("table_out"));
        Topology wrong = new Topology(run.name("wrong"));
        wrong.stream(numbers).filter(name + "('x', n) > 1").to(run.name("wrong_out"));
        String onTable = reason(() -> client.registerTopology(table));
        String onWrong = reason(() -> client.registerTopology(wrong));

        List<List<String>> found = new ArrayList<>();
        Map<String, Object> letter;
        try (Run.Serving worker = run.serve(w -> w.rowFunction(name, TWICE))) {
            List<Map<String, Object>> rows = new ArrayList<>();
            List<Integer> values = Arrays.asList(1, null, 13, 60, 2);
            for (int i = 0; i < values.size(); i++) {
                Map<String, Object> row = new HashMap<>(Map.of("k", "abcde".substring(i, i + 1)));
                row.put("n", values.get(i));
                rows.add(row);
            }
            client.append(numbers, rows);
            for (Row row : client.subscribe(out, o -> o.from(Start.EARLIEST).limit(2))) {
                found.add(List.of(row.get("k", String.class), String.valueOf(row.get("m"))));
            }
            letter = cells(client.subscribe(doubled.name() + ".dead_letter", o -> o.from(Start.EARLIEST).limit(1)).iterator().next());
        }
        client.deleteTopology(doubled.name());
        client.dropFunction(name);
        return facts(
                "signature", signature.substring(signature.indexOf('(')), "taken", taken, "table", onTable, "wrong", onWrong, "rows", found,
                "letter", letter.get("REASON").toString().contains("13 is unlucky"), "dropped", reason(() -> client.function(name)));
    }
}
