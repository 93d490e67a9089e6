package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import java.time.Duration;
import java.util.Map;

/** A deadline holds, on a service that answers late: see spec.md. */
final class Deadline implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient hasty = run.connect(builder -> builder.timeout(Duration.ofSeconds(1)));
        while (!reason(hasty::cluster).equals("OK")) {
            Thread.onSpinWait();
        }
        run.ask("delay", Map.of("ms", 6_000));
        long began = System.nanoTime();
        String why = reason(hasty::cluster);
        boolean inTime = System.nanoTime() - began < 4_000_000_000L;
        run.ask("delay", Map.of("ms", 0));
        PenstockClient patient = run.connect(builder -> builder.timeout(Duration.ofSeconds(20)));
        return facts("reason", why, "in_time", inTime, "then", reason(patient::cluster));
    }
}
