package example;

import dev.penstock.client.Appender;
import dev.penstock.client.PenstockClient;
import dev.penstock.client.Row;
import dev.penstock.client.Subscription;
import dev.penstock.client.Topology;
import dev.penstock.client.errors.UnknownRelationException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The program of the README. */
public final class Quickstart {

    record Revenue(String customer, double total) {
    }

    record Sale(String customer, String item, double price) {
    }

    private Quickstart() {
    }

    /** arguments: the service's address. */
    public static void main(String[] arguments) {
        String address = arguments.length > 0 ? arguments[0] : "127.0.0.1:7550";
        try (PenstockClient client = PenstockClient.connect(address)) {
            client.createStream("sales", "customer STRING KEY, item STRING, price DOUBLE");
            Topology tills = new Topology("tills");
            tills.stream("sales").groupBy().aggregate("SUM(price) AS total").to("revenue");
            client.registerTopology(tills, Duration.ofSeconds(30));

            String token = client.append("sales", Map.of("customer", "c042", "item", "lamp", "price", 12.5)).position();
            Row row = client.get("revenue", "c042", o -> o.atLeast(token)); // the answer includes the append
            System.out.println(row.get("total")); // 12.5

            Revenue revenue = row.as(Revenue.class); // a record whose components are columns
            System.out.println(revenue);

            // What is there, then every change; it goes on over restarts of the service.
            try (Subscription changes = client.subscribe("revenue")) {
                for (Row change : changes) {
                    System.out.println(change.get("customer") + " " + change.get("total"));
                    break;
                }
            }
            many(client);
            refused(client);
        }
    }

    private static void many(PenstockClient client) {
        List<List<Sale>> batches = List.of(
                List.of(new Sale("c042", "chair", 80)), List.of(new Sale("c043", "atlas", 30), new Sale("c042", "novel", 8)));

        try (Appender appender = client.appender("sales", o -> o.producer("till-7"))) {
            batches.forEach(appender::append); // lists of records or maps
            String position = appender.flush(); // durable, each row once, whatever happened to the connection
            client.scan("revenue", o -> o.where("total > :least").with(Map.of("least", 50)).atLeast(position))
                    .forEach(row -> System.out.println("over 50: " + row.get("total")));
        }
    }

    private static void refused(PenstockClient client) {
        try {
            client.get("revenues", "c042");
        } catch (UnknownRelationException unknown) {
            System.out.println(unknown.reason() + " " + unknown.metadata().get("candidates"));
        }
    }
}
