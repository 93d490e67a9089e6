package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.PenstockClient;
import dev.penstock.client.Retry;
import dev.penstock.client.Start;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** TLS, tokens and rights: see spec.md. */
final class Secured implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        String orders = run.name("orders");
        Path ca = Path.of(run.setting("ca"));
        PenstockClient admin = run.connect(builder -> builder.tls(ca).token(run.setting("token")));
        admin.createStream(orders, "k STRING KEY, n INT");
        admin.append(orders, Map.of("k", "a", "n", 1));
        PenstockClient reader = run.connect(builder -> builder.tls(ca).token(run.setting("reader")));
        return facts(
                "read", read(admin, orders), "no_token", append(run.connect(builder -> builder.tls(ca)), orders),
                "wrong_token", append(run.connect(builder -> builder.tls(ca).token("x")), orders), "reader_appends", append(reader, orders),
                "reader_reads", read(reader, orders), "plain", reason(run.connect(builder -> builder.retry(Retry.NONE))::cluster),
                "stranger", reason(run.connect(builder -> builder.tls().token("x").retry(Retry.NONE))::cluster),
                "by_name", read(named(run, "localhost"), orders), "other_name", reason(named(run, "other.example")::cluster));
    }

    private static PenstockClient named(Run run, String name) {
        return run.connect(builder -> builder.tls(Path.of(run.setting("ca"))).serverName(name).token(run.setting("reader")).retry(Retry.NONE));
    }

    private static List<Object> read(PenstockClient client, String orders) {
        return all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd())).stream().map(row -> row.get("n")).toList();
    }

    private static String append(PenstockClient client, String orders) throws Exception {
        return reason(() -> client.append(orders, List.of(Map.of("k", "a", "n", 1)), o -> o.json()));
    }
}
