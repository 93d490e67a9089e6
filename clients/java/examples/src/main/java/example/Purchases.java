package example;

import dev.penstock.client.Appender;
import dev.penstock.client.Binding;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Remote;
import dev.penstock.client.RowHandler;
import dev.penstock.client.Start;
import dev.penstock.client.Topology;
import dev.penstock.client.TopologyStream;
import dev.penstock.client.Window;
import dev.penstock.client.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * The purchases of a shop: card numbers are masked for everything downstream; patterns, rewards and totals come from what is masked. The points of
 * each customer are computed by this program, as a worker of a remote processor, and kept by the service. It ends with a recount of what the service
 * published against what was appended.
 */
public final class Purchases {

    private static final int COUNT = 2000;

    /** Prices are quarters, so that sums are exact in any order. */
    record Purchase(String customer, String card, String item, double price, String department, String store, String zip) {
    }

    private Purchases() {
    }

    /** arguments: the service's address. */
    public static void main(String[] arguments) {
        String address = arguments.length > 0 ? arguments[0] : "127.0.0.1:7550";
        // Gives a point for each whole unit of money. Rows, state and input are committed together, exactly once.
        RowHandler points = (row, at) -> {
            Map<String, Object> before = at.state("totals");
            long total = row.get("price", Double.class).longValue() + (before == null ? 0 : (long) before.get("points"));
            at.put("totals", Map.of("points", total));
            at.send("rewards", Map.of("points", total));
        };
        try (PenstockClient client = PenstockClient.connect(address);
                Worker worker = Worker.builder(address).rowHandler("points_java", points).build()) {
            client.createStream(
                    "purchases_java", "customer STRING KEY, card STRING, item STRING, price DOUBLE, department STRING, store STRING, zip STRING",
                    new Binding().partitions(4).valueFormat("JSON"));
            client.registerTopology(shop(), Duration.ofSeconds(30));
            new Thread(worker::run, "points").start();
            List<Purchase> purchases = generate();
            recount(client, purchases, send(client, purchases));
        }
    }

    private static Topology shop() {
        Topology topology = new Topology("shop_java");
        TopologyStream masked = topology.stream("purchases_java")
                .select("MASK_KEEP_RIGHT(card, 4) AS card", "item", "price", "department", "store", "zip").named("masked");
        masked.to("purchases_masked_java");
        masked.select("item", "ROWTIME AS sold_at", "zip").named("where_and_when").to("patterns_java");
        Remote points = new Remote("points_java").store("totals", "points BIGINT").output("rewards", "customer STRING KEY, points BIGINT").keepsKey();
        masked.processRemotely(points).named("points").output("rewards").toTable().named("rewards").to("rewards_java");
        masked.groupBy("department").window(Window.tumbling(Duration.ofMinutes(1)).grace(Duration.ofHours(1)).retention(Duration.ofDays(1)))
                .aggregate("SUM(price) AS total", "COUNT(*) AS sold").named("totals").to("department_totals_java");
        masked.filter("price > 100").named("expensive").to("high_value_java");
        return topology;
    }

    private static List<Purchase> generate() {
        Random random = new Random(7);
        Map<String, String> departments = Map.of(
                "coffee", "groceries", "bread", "groceries", "lamp", "home", "camera", "electronics", "novel", "books");
        List<String> items = departments.keySet().stream().sorted().toList();
        List<Purchase> out = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            String item = items.get(random.nextInt(items.size()));
            out.add(new Purchase(
                    String.format("c%03d", random.nextInt(50)), String.format("0000-0000-0000-%04d", random.nextInt(10_000)), item,
                    (8 + random.nextInt(792)) / 4.0, departments.get(item), "Harbour", "20457"));
        }
        return out;
    }

    /** Appends the purchases in batches, many on their way at once; the position that includes them all. */
    private static String send(PenstockClient client, List<Purchase> purchases) {
        try (Appender appender = client.appender("purchases_java")) {
            for (int start = 0; start < purchases.size(); start += 100) {
                appender.append(purchases.subList(start, start + 100));
            }
            return appender.flush();
        }
    }

    /** Compares points, masked cards and high values. */
    private static void recount(PenstockClient client, List<Purchase> purchases, String position) {
        Map<Object, Long> earned = new TreeMap<>();
        Map<Object, Integer> masked = new TreeMap<>();
        for (Purchase purchase : purchases) {
            earned.merge(purchase.customer(), (long) purchase.price(), Long::sum);
            masked.merge("nnnn-nnnn-nnnn-" + purchase.card().substring(15), 1, Integer::sum);
        }
        long high = purchases.stream().filter(purchase -> purchase.price() > 100).count();
        String last = purchases.get(purchases.size() - 1).customer();
        System.out.println("rewards of " + last + " with the token of the last append: "
                + client.get("rewards_java", last, o -> o.atLeast(position).maxWait(Duration.ofSeconds(20))));

        Map<Object, Object> published = new TreeMap<>();
        client.scan("rewards_java", o -> o.atLeast(position).maxWait(Duration.ofSeconds(20)))
                .forEach(row -> published.put(row.get("customer"), row.get("points")));
        Map<Object, Integer> pushed = new TreeMap<>();
        client.subscribe("purchases_masked_java", o -> o.from(Start.EARLIEST).limit(COUNT))
                .forEach(row -> pushed.merge(row.get("card"), 1, Integer::sum));
        long expensive = client.subscribe("high_value_java", o -> o.from(Start.EARLIEST).limit(high)).stream().count();
        if (!earned.equals(published) || !masked.equals(pushed) || expensive != high) {
            throw new IllegalStateException("the recount differs: " + published + " are the points, " + earned + " must be");
        }
        System.out.println("recount of " + COUNT + " purchases, " + earned.size() + " customers: every value right");
    }
}
