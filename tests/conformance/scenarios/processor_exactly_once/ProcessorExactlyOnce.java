package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Appender;
import dev.penstock.client.Binding;
import dev.penstock.client.Bundle;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Remote;
import dev.penstock.client.Row;
import dev.penstock.client.RowHandler;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** A remote processor counts each row once, whoever is killed: see spec.md. */
final class ProcessorExactlyOnce implements Scenario {

    private static final class Total implements RowHandler {

        @Override
        public void handle(Row row, Bundle.Place at) {
            long n = row.get("n", Long.class);
            Map<String, Object> before = at.state("totals");
            long now = n + (before == null ? 0 : (long) before.get("total"));
            at.put("totals", Map.of("total", now));
            at.send("sums", Map.of("n", n, "total", now));
        }
    }

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String payments = run.name("payments");
        String out = run.name("out");
        String processor = run.name("total");
        client.createStream(payments, "k STRING KEY, n BIGINT", new Binding().partitions(2));
        Topology sums = new Topology(run.name("sums"));
        sums.stream(payments)
                .processRemotely(new Remote(processor).output("sums", "k STRING KEY, n BIGINT, total BIGINT").store("totals", "total BIGINT").keepsKey())
                .named("sum").output("sums").to(out);
        client.registerTopology(sums, Duration.ofSeconds(30));
        String position;
        Run.Serving worker = run.serve(w -> w.handler(processor, new Total()));
        try (Appender appender = client.appender(payments, o -> o.producer(run.name("till")))) {
            for (int batch = 0; batch < 20; batch++) {
                appender.append(IntStream.range(50 * batch, 50 * batch + 50).mapToObj(i -> Map.of("k", "k" + i % 7, "n", i)).toList());
                switch (batch) {
                    case 4 -> run.ask("kill_gateway");
                    case 9 -> run.ask("kill_worker");
                    case 14 -> {
                        worker.close();
                        worker = run.serve(w -> w.handler(processor, new Total()));
                    }
                    default -> { }
                }
            }
            position = appender.flush();
        }
        Row found = client.get(sums.name() + ".sum.totals", "k0", o -> o.atLeast(position).maxWait(Duration.ofMinutes(1)));
        Map<String, Long> totals = new HashMap<>();
        boolean continued = true;
        int rows = 0;
        for (Row row : client.subscribe(out, o -> o.from(Start.EARLIEST).limit(1000))) {
            rows++;
            long total = totals.merge(row.get("k", String.class), row.get("n", Long.class), Long::sum);
            continued &= row.get("total", Long.class) == total;
        }
        worker.close();
        Map<String, String> texts = new HashMap<>();
        totals.forEach((k, total) -> texts.put(k, total.toString()));
        return facts("total", String.valueOf(found.get("total")), "rows", rows, "continued", continued, "totals", texts);
    }
}
