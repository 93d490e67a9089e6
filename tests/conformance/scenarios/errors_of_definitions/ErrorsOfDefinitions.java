package conformance;

import static conformance.Run.facts;
import static conformance.Run.reason;

import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.PenstockException;
import dev.penstock.client.Sink;
import dev.penstock.client.Source;
import dev.penstock.client.StreamJoin;
import dev.penstock.client.Topology;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Definitions are refused with the reason and the place of each mistake: see spec.md. */
final class ErrorsOfDefinitions implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        String other = run.name("other");
        String out = run.name("out");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(2));
        client.createStream(other, "k STRING KEY, m INT", new Binding().partitions(3));
        Topology misspelt = new Topology(run.name("t"));
        misspelt.stream(orders).to(out);
        var message = misspelt.message().toBuilder();
        message.getNodesBuilder(1).setInputs(0, "nobody");
        Sink avro = new Sink().binding(new Binding().topic(run.name("avro")).valueFormat("AVRO"));
        Topology published = new Topology(run.name("first"));
        published.stream(orders).to(run.name("first_out"), avro);
        client.registerTopology(published, Duration.ofSeconds(30));
        Topology texts = new Topology(run.name("texts"));
        texts.stream(orders).select("CAST(n AS STRING) AS n").to(out, avro);
        List<Object> place = List.of();
        try {
            check(run, t -> t.stream(orders).filter("n >").named("f").to(out));
        } catch (PenstockException refused) {
            place = List.of(refused.expression().node(), refused.expression().start(), refused.expression().end());
        }
        return facts(
                "source", why(run, t -> t.stream(run.name("none")).to(out)), "column", why(run, t -> t.stream(orders).filter("nn > 1").to(out)),
                "expression", why(run, t -> t.stream(orders).filter("n >").named("f").to(out)), "place", place,
                "types", why(run, t -> t.stream(orders).filter("n > 'x'").to(out)),
                "function", why(run, t -> t.stream(orders).select("NO_SUCH(n) AS x").to(out)),
                "twice", why(run, t -> {
                    t.stream(orders).named("x");
                    t.stream(other).named("x");
                }),
                "join", why(run, t -> t.stream(orders).join(t.stream(other), StreamJoin.within(Duration.ofSeconds(1))).to(out)),
                "processor", why(run, t -> t.stream(orders).process("no_such").output("out").to(out)),
                "schema", why(run, t -> t.stream(Source.declared(run.name("in"), "k STRING KEY, n NOPE")).to(out)),
                "format", why(run, t -> t.stream(orders).to(out, new Sink().binding(new Binding().valueFormat("NOPE")))),
                "input", reason(() -> client.registerTopology(message.build(), Duration.ZERO, true)),
                "incompatible", reason(() -> client.registerTopology(texts)));
    }

    private static void check(Run run, Consumer<Topology> build) {
        Topology topology = new Topology(run.name("t"));
        build.accept(topology);
        run.client().validateTopology(topology);
    }

    private static String why(Run run, Consumer<Topology> build) throws Exception {
        return reason(() -> {
            check(run, build);
            return null;
        });
    }
}
