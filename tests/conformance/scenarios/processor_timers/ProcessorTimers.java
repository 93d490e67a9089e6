package conformance;

import static conformance.Run.facts;

import dev.penstock.client.Appender;
import dev.penstock.client.Binding;
import dev.penstock.client.Bundle;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Remote;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import dev.penstock.client.TimedHandler;
import dev.penstock.client.Timer;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Timers of a remote processor come once, with the state of their key: see spec.md. */
final class ProcessorTimers implements Scenario {

    private static final class Watch implements TimedHandler {

        @Override
        public void onRow(Row row, Bundle.Place at) {
            long n = row.get("n", Long.class);
            Map<String, Object> before = at.state("seen");
            at.put("seen", Map.of("n", n + (before == null ? 0 : (long) before.get("n"))));
            if (n == 0) {
                at.cancelTimer("over");
            } else {
                at.setTimer("over", Instant.ofEpochMilli(row.get("ROWTIME", Long.class) + 10_000));
            }
        }

        @Override
        public void onTimer(Timer timer, Bundle.Place at) {
            at.send("ended", at.state("seen"));
            at.put("seen", null);
        }
    }

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String visits = run.name("visits");
        String out = run.name("out");
        client.createStream(visits, "k STRING KEY, n BIGINT", new Binding().partitions(1));
        Topology last = new Topology(run.name("last"));
        last.stream(visits).processRemotely(
                new Remote(run.name("watch")).output("ended", "k STRING KEY, n BIGINT").keepsKey().store("seen", "n BIGINT").timers())
                .named("watch").output("ended").to(out);
        client.registerTopology(last, Duration.ofSeconds(30));

        String seen = last.name() + ".watch.seen";
        List<List<String>> rows = new ArrayList<>();
        boolean there = true;
        try (Run.Serving worker = run.serve(w -> w.handler(run.name("watch"), new Watch()));
                Appender appender = client.appender(visits, o -> o.producer(run.name("door")))) {
            add(appender, "a", 1, 1000);
            add(appender, "b", 2, 2000);
            add(appender, "x", 5, 2500);
            add(appender, "x", 0, 3000);
            add(appender, "a", 3, 9000);
            run.ask("kill_worker");
            add(appender, "c", 4, 12_000);
            run.ask("kill_gateway");
            add(appender, "d", 5, 19_000);
            String position = appender.flush();
            for (Row row : client.subscribe(out, o -> o.from(Start.EARLIEST).limit(2))) {
                rows.add(List.of(row.get("k", String.class), String.valueOf(row.get("n")), String.valueOf(row.get("ROWTIME"))));
            }
            for (long end = System.nanoTime() + Duration.ofSeconds(30).toNanos(); there && System.nanoTime() < end; Thread.sleep(100)) {
                there = client.get(seen, "a", o -> o.atLeast(position).maxWait(Duration.ofSeconds(30))) != null;
            }
            return facts("rows", rows, "a", there, "x", String.valueOf(client.get(seen, "x").get("n")));
        }
    }

    private static void add(Appender appender, String k, int n, long at) {
        appender.append(Map.of("k", k, "n", n, "ROWTIME", Instant.ofEpochMilli(at)));
    }
}
