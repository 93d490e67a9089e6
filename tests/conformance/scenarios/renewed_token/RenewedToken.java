package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Batch;
import dev.penstock.client.Binding;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Start;
import dev.penstock.client.Subscription;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** A stream goes on with new credentials when its own have expired: see spec.md. */
final class RenewedToken implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        Path authority = Path.of(run.setting("ca"));
        String orders = run.name("orders");
        AtomicReference<String> present = new AtomicReference<>(run.setting("reader"));
        PenstockClient admin = run.connect(builder -> builder.tls(authority).token(run.setting("token")));
        admin.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        Iterator<Row> fixed = subscribe(run.connect(builder -> builder.tls(authority).token(run.setting("reader"))), orders).iterator();
        List<Object> values = new ArrayList<>();
        List<String> reconnects = new ArrayList<>();
        String ended = "";
        admin.append(orders, Map.of("k", "a", "n", 0));
        for (Event event : subscribe(run.connect(builder -> builder.tls(authority).token(present::get)), orders).events()) {
            if (event instanceof Event.Reconnecting again) {
                reconnects.add(again.cause().reason());
            } else if (event instanceof Batch batch) {
                all(batch).forEach(row -> values.add(row.get("n")));
                if (values.size() == 2) {
                    break;
                }
                fixed.next();
                present.set(run.ask("exchange_token").get("token").getAsString());
                ended = reason(fixed::next);
                admin.append(orders, Map.of("k", "a", "n", 1));
            }
        }
        return facts("fixed", ended, "values", values, "reconnects", reconnects);
    }

    private static Subscription subscribe(PenstockClient client, String orders) {
        return client.subscribe(orders, o -> o.from(Start.EARLIEST).progressInterval(Duration.ofMillis(500)));
    }
}
