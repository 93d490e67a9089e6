package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Appender;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Closing ends what waits, promptly: see spec.md. */
final class ClosedClient implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT");
        PenstockClient other = run.connect(builder -> builder);
        Subscription subscription = other.subscribe(orders, o -> o.from(Start.LATEST));
        Appender appender = other.appender(orders);
        appender.append(Map.of("k", "a", "n", 1));
        appender.flush(Duration.ofSeconds(20));
        CountDownLatch waiting = new CountDownLatch(1);
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<Boolean> ended = thread.submit(() -> {
            for (Event event : subscription.events()) {
                waiting.countDown();
                Objects.requireNonNull(event);
            }
            return true;
        });
        waiting.await(20, TimeUnit.SECONDS);
        long began = System.nanoTime();
        other.close();
        boolean over = ended.get(20, TimeUnit.SECONDS);
        boolean inTime = System.nanoTime() - began < 2_000_000_000L;
        thread.shutdown();
        return facts(
                "ended", over, "in_time", inTime, "call", reason(other::cluster), "appender", reason(() -> {
                    appender.append(Map.of("k", "a", "n", 2));
                    return null;
                }));
    }
}
