package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Appender;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import java.time.Duration;
import java.util.Map;

/** A newer stream of a producer ends the older one: see spec.md. */
final class ProducerFenced implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");
        String till = run.name("till");
        Appender first = client.appender(orders, o -> o.producer(till));
        first.append(Map.of("k", "a", "n", 1));
        first.flush(Duration.ofSeconds(20));
        Appender second = client.appender(orders, o -> o.producer(till));
        long last = second.lastSequence();
        String fenced = goOn(first);
        String fine = goOn(second);
        int rows = all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).size();
        return facts("last_sequence", String.valueOf(last), "first", fenced, "second", fine, "rows", rows);
    }

    private static String goOn(Appender appender) throws Exception {
        return reason(() -> {
            appender.append(Map.of("k", "a", "n", 2));
            return appender.flush(Duration.ofSeconds(20));
        });
    }
}
