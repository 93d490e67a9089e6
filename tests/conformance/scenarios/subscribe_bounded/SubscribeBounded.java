package conformance;

import static conformance.Run.all;
import static conformance.Run.facts;

import dev.penstock.client.Binding;
import dev.penstock.client.Event;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Start;
import dev.penstock.client.SubscribeOptions;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** A subscription ends at its limit, at the present end and at a position: see spec.md. */
final class SubscribeBounded implements Scenario {

    @Override
    public Map<String, Object> play(Run run) throws Exception {
        PenstockClient client = run.client();
        String orders = run.name("orders");
        client.createStream(orders, "k STRING KEY, n INT", new Binding().partitions(1));
        String token = client.append(orders, rows(0, 10)).position();
        client.append(orders, rows(10, 20));
        List<Event> events = all(client.subscribe(orders, o -> o.from(Start.EARLIEST).untilEnd()).events());
        return facts(
                "limit", count(client, orders, o -> o.limit(7)), "end", count(client, orders, o -> o.untilEnd()),
                "position", count(client, orders, o -> o.until(token)), "even", count(client, orders, o -> o.untilEnd().where("n % 2 = 0")),
                "reason", events.get(events.size() - 1) instanceof Event.Ended ended ? ended.reason() : "");
    }

    private static List<Map<String, Object>> rows(int start, int end) {
        return IntStream.range(start, end).mapToObj(n -> Map.<String, Object>of("k", "a", "n", n)).toList();
    }

    private static int count(PenstockClient client, String orders, Consumer<SubscribeOptions> options) {
        return all(client.subscribe(orders, options.andThen(o -> o.from(Start.EARLIEST)))).size();
    }
}
